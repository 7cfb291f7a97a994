"""Remembering: who came by, known or not, kept for a while beside the recognition and found again."""

from familiar_gateway.remembering import replays, search, sightings, strangers
from familiar_gateway.remembering.notebook import Notebook

__all__ = ["Notebook", "replays", "search", "sightings", "strangers"]
