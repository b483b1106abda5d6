"""Retrieval of other versions of a work by short chroma excerpts (shingles)."""
