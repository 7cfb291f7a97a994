"""People: who is enrolled, under which name and with which samples, and how they are forgotten."""

from familiar_gateway.people.learning_anew import learn_anew
from familiar_gateway.people.names import require_free_name
from familiar_gateway.people.routes import blueprint

__all__ = [
    "blueprint",
    "learn_anew",
    "require_free_name",
]
