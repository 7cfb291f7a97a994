"""How the product's detector is made: YuNet's numbers out of the library its authors ship, as a file for LiteRT."""

from familiar_trainer.detector.conversion import convert

__all__ = ["convert"]
