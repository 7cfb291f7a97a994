"""Frozen feature extractors: each turns aligned faces into L2-normalised embeddings."""

from familiar_trainer.backbones.backbone import Backbone, BackboneError, Embedder, Looks
from familiar_trainer.backbones.registry import DEFAULT, NAMES, face_resnet_in, load, named_by

__all__ = ["DEFAULT", "NAMES", "Backbone", "BackboneError", "Embedder", "Looks", "face_resnet_in", "load", "named_by"]
