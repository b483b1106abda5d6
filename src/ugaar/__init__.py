"""UGAAR: data making, training and evaluation of sheet music, audio and lyrics retrieval."""

__version__ = "0.1.0"
