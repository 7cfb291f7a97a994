"""CompreFace: its recognition, detection and verification services, ``/api/v1``, as clients of its release 1 ask."""

from familiar_gateway.translating.compreface import examples, looking, subjects
from familiar_gateway.translating.compreface.door import blueprint

__all__ = ["blueprint", "examples", "looking", "subjects"]
