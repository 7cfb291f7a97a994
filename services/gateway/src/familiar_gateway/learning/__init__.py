"""Learning: what people say of whom faces were taken for, what is learned from use, and taking that back."""

from familiar_gateway.learning import feedback, learned, quarantine

__all__ = ["feedback", "learned", "quarantine"]
