"""Serving: asking TensorFlow Serving, as any client would, and what our two models answer."""

from familiar.serving.client import ServingClient, VersionState, VersionStatus
from familiar.serving.models import HeadAnswer, HeadDescription, Models, Predictor

__all__ = ["HeadAnswer", "HeadDescription", "Models", "Predictor", "ServingClient", "VersionState", "VersionStatus"]
