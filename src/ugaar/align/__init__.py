"""Canonical correlation analysis, nearest neighbours and the ground truth built on them."""
