"""The client side of the model server's protocol."""

from familiar.serving.client import Prediction, ServingClient, VersionState, VersionStatus

__all__ = ["Prediction", "ServingClient", "VersionState", "VersionStatus"]
