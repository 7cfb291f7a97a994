"""Events: who came before which camera and who was enrolled, to page through and to follow, and attendance."""

from familiar_gateway.events.representations import event as show
from familiar_gateway.events.routes import blueprint

__all__ = ["blueprint", "show"]
