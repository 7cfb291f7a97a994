"""Scratch: folders for what is thrown away, which outlive no process for long, however it ends."""

from familiar.scratch.folders import own_folder

__all__ = ["own_folder"]
