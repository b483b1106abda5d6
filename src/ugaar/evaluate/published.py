"""The numbers printed in the paper (arXiv 2007.14856), as data, and what is wrong with them.

They are context, not targets: the paper states neither data size, split nor gallery size.
"""

from __future__ import annotations

from ugaar.tables import DIRECTIONS

_A2L, _L2A, _A2S, _S2A, _L2S, _S2L = DIRECTIONS

TABLE_1: dict[str, dict[str, dict[str, float]]] = {
    method: {
        direction: {"R@1": recall, "MedR": median}
        for direction, (recall, median) in zip(DIRECTIONS, values, strict=True)
    }
    for method, values in {
        "baseline": (
            (3.69, 838.0),
            (2.97, 891.0),
            (24.46, 562.0),
            (25.13, 502.5),
            (3.18, 963.0),
            (3.05, 982.0),
        ),
        "baseline-gan": (
            (3.92, 804.2),
            (3.18, 858.0),
            (26.01, 529.0),
            (25.74, 472.2),
            (3.21, 940.0),
            (3.36, 925.8),
        ),
        "ugaar": (
            (5.02, 715.6),
            (4.14, 716.0),
            (30.06, 352.4),
            (33.02, 330.8),
            (8.36, 572.5),
            (9.95, 576.0),
        ),
    }.items()
}
"""Table I: method -> direction -> R@1 (percent) and MedR."""

_TABLE_2_METRICS = ("R@1", "R@5", "R@10", "MedR", "MeanR")

TABLE_2: dict[str, dict[str, dict[str, float]]] = {
    method: {
        direction: dict(zip(_TABLE_2_METRICS, values, strict=True))
        for direction, values in rows.items()
    }
    for method, rows in {
        "random": {
            _A2L: (2.77, 5.53, 7.61, 7312.0, 7257.19),
            _L2A: (2.69, 5.45, 7.59, 7316.5, 7257.31),
            _A2S: (2.84, 5.57, 7.50, 7310.0, 7257.16),
            _S2A: (2.63, 5.49, 7.48, 7310.0, 7257.37),
            _L2S: (2.72, 5.51, 7.66, 7313.2, 7257.43),
            _S2L: (2.74, 5.48, 7.53, 7311.8, 7257.26),
        },
        "ugaar": {
            _A2L: (5.02, 5.51, 6.34, 715.6, 808.02),
            _L2A: (4.14, 4.56, 5.21, 716.0, 797.00),
            _A2S: (30.06, 33.98, 35.02, 352.4, 600.34),
            _S2A: (33.02, 34.12, 35.88, 330.8, 584.42),
            _L2S: (9.95, 14.26, 17.02, 576.0, 767.82),
            _S2L: (8.36, 14.24, 16.58, 572.5, 765.30),
        },
    }.items()
}
"""Table II: method -> direction -> R@1, R@5, R@10 (percent), MedR and MeanR."""

NOTES = (
    "Paper: gallery size, split and number of runs are not stated; medians in steps of 0.2 suggest "
    "means of five. Its rows are context, not targets: compare the order of methods and of "
    "directions, not the values.",
    "Paper: the two lyrics-sheet directions are exchanged between Table I and Table II (8.36 | "
    "572.5 and 9.95 | 576.0). Which is right cannot be told; both are printed as published.",
    "Paper: RANDOM is not uniform chance. Its MeanR of 7257 means a gallery of about 14,513, where "
    "chance gives R@1 0.007 %, R@5 0.034 % and R@10 0.069 %, not 2.8, 5.5 and 7.6 %. The "
    "other methods' mean ranks (584-808) point to a much smaller gallery: do not compare the rows.",
)
"""Known inconsistencies of the published numbers, a sentence or two each."""
