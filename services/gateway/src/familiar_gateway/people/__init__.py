"""People: who is enrolled, under which name and with which samples, and how they are forgotten."""

from familiar_gateway.people.forgetting import forget_people, forget_samples
from familiar_gateway.people.learning_anew import learn_anew
from familiar_gateway.people.names import give_name, require_free_name
from familiar_gateway.people.routes import blueprint

__all__ = [
    "blueprint",
    "forget_people",
    "forget_samples",
    "give_name",
    "learn_anew",
    "require_free_name",
]
