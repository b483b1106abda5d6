"""Ranks, metrics, tables and figures."""
