"""Galleries of a fixed size, so that figures of folds of different size can be set side by side."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def cut_galleries(windows: Sequence[str], size: int | None) -> list[list[str]]:
    """Cut a fold into as many galleries of one size as it holds.

    Recall falls and ranks grow with the gallery, so numbers compare at equal sizes only. The
    windows come in an order that depends on their ids alone: every method, seed and direction is
    asked in the same galleries. Windows left over, fewer than a gallery, are in none.

    Args:
        windows: the windows of the fold.
        size: windows in a gallery; None is one gallery of them all.

    Returns:
        Galleries, none if the fold is not larger than one (it is then a gallery of its own size).
    """
    if size is None:
        return [list(windows)]
    if size >= len(windows):
        return []
    order = sorted(windows, key=lambda window: hashlib.sha256(window.encode()).hexdigest())
    whole = len(order) - len(order) % size
    return [sorted(order[start : start + size]) for start in range(0, whole, size)]
