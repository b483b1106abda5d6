"""Retrieval models and their losses."""
