"""What machine the figures are from."""

from facekey.evaluation.machine import describe

__all__ = ["describe"]
