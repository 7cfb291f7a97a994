"""Photos: folders sorted by who is on them: asking for that, following it, putting it right, and taking it home."""

from familiar_gateway.photos import findings, jobs

__all__ = ["findings", "jobs"]
