"""Folds of whole works: each work is tested once, by a model that never saw it."""

from __future__ import annotations

from collections.abc import Mapping

from ugaar.errors import DataError


def fold_of_works(
    recordings: Mapping[str, int], strata: Mapping[str, str], folds: int
) -> dict[str, int]:
    """Deal works to folds, the largest first, so that each fold has works of every stratum.

    A work goes to the fold that has fewest works of its stratum, then fewest works, then fewest
    recordings: nothing is drawn.

    Args:
        recordings: work -> number of its recordings.
        strata: work -> its stratum (composer).
        folds: number of folds.

    Returns:
        Work -> fold, from 0.

    Raises:
        DataError: there are fewer than two works for each fold: a query's fold needs wrong answers.
    """
    if len(recordings) < 2 * folds:
        raise DataError(
            f"{len(recordings)} works are too few for {folds} folds of two works or more; "
            "lower versions.folds or add works"
        )
    found: dict[str, int] = {}
    for work in sorted(recordings, key=lambda one: (strata[one], -recordings[one], one)):

        def load(fold: int, stratum: str = strata[work]) -> tuple[int, int, int, int]:
            here = [other for other, its in found.items() if its == fold]
            return (
                sum(strata[other] == stratum for other in here),
                len(here),
                sum(recordings[other] for other in here),
                fold,
            )

        found[work] = min(range(folds), key=load)
    return found
