"""Server: takes a thread for a request only when all of it is there; it knows HTTP and none of our nouns.

Uvicorn speaks HTTP, in one loop for all connections. ``Connection`` gives each of them deadlines and answers what is
not HTTP, ``SecureConnection`` begins with TLS; ``Intake`` reads bodies, chooses a ``Lane`` for each request and has its
threads ask the WSGI application.
"""

from familiar_gateway.server.bodies import Room
from familiar_gateway.server.certificate import Certificate
from familiar_gateway.server.intake import SHORT_BYTES, Intake
from familiar_gateway.server.lanes import Lane
from familiar_gateway.server.limits import Limits
from familiar_gateway.server.running import end_with_parent, run

__all__ = ["SHORT_BYTES", "Certificate", "Intake", "Lane", "Limits", "Room", "end_with_parent", "run"]
