"""The splits of a run: one for each protocol, and repeats of it with other draws of the folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class PlannedSplit:
    """A way to draw the folds, and what is done with it.

    Attributes:
        protocol: song-disjoint or published.
        seed: seed of the draw.
        methods: methods that are trained on it.
        main: whether it is the protocol's own split, with tables and figures; otherwise a repeat
            that shows how much the draw matters.
    """

    protocol: str
    seed: int
    methods: list[str]
    main: bool


def planned(config: Mapping[str, Any]) -> dict[str, PlannedSplit]:
    """Return the splits of a configuration by name, the name of their folder.

    The first of `split.seeds` is the protocol's own split and has its name; others append the seed.
    """
    first, *others = config["split"]["seeds"]
    found = {}
    for protocol in config["protocols"]:
        found[protocol] = PlannedSplit(protocol, first, list(config["methods"]), main=True)
        for seed in others:
            found[f"{protocol}-{seed}"] = PlannedSplit(
                protocol, seed, list(config["split"]["repeat_methods"]), main=False
            )
    return found
