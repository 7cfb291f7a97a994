"""Correcting: putting right whose samples are whose, who is one person and who are two, and taking that back."""

from familiar_gateway.correcting.routes import blueprint, merge_people

__all__ = ["blueprint", "merge_people"]
