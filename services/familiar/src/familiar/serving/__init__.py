"""Serving: asking TensorFlow Serving, as any client would, and what our two models answer."""

from familiar.serving.client import ServingClient, VersionState, VersionStatus
from familiar.serving.models import HeadAnswer, Models, Predictor

__all__ = ["HeadAnswer", "Models", "Predictor", "ServingClient", "VersionState", "VersionStatus"]
