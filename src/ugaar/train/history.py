"""What a training logs."""

HistoryRow = tuple[str, int, str, float]
"""Phase, epoch or round (0 is the state before the first), metric, value."""
