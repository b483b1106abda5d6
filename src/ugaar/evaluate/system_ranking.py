"""Which test snippets are asked under which condition, and the ranks of their answers.

A condition changes one medium (or both), and the other stays as under the main condition. So under
a changed sound, audio-to-sheet has changed queries in the usual gallery of sheets, and
sheet-to-audio has the usual queries in a gallery of changed sound; a changed look likewise.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ugaar.errors import DataError
from ugaar.evaluate.snippet_ranks import (
    EXACT,
    TOLERANCES,
    TWINS,
    RightAnswers,
    exact_answers,
    near_answers,
    rank_answers,
    spaced,
    twin_answers,
)
from ugaar.evaluate.system_codes import SystemCodes

AUDIO_TO_SHEET, SHEET_TO_AUDIO = "audio-to-sheet", "sheet-to-audio"
DIRECTIONS = (AUDIO_TO_SHEET, SHEET_TO_AUDIO)

TWIN_COLUMN = "twin_5"
"""Hash that tells twins: equal notes and times from 5 onsets before to 5 after."""

_LEAST_SHARED = 0.5
"""Share of the wanted candidates that must have codes under all conditions."""


@dataclass(frozen=True)
class TestSnippets:
    """The snippets of the test fold, sorted by piece and note.

    Attributes:
        pieces: N piece identifiers.
        notes: (N,) int64, numbers of the onsets.
        twins: (N,) int64, hashes of what is heard and seen around them.
    """

    __test__ = False

    pieces: list[str]
    notes: np.ndarray
    twins: np.ndarray

    @classmethod
    def of(cls, snippets: pa.Table, fold: str) -> TestSnippets:
        """Return the snippets of a fold of the snippets table.

        Raises:
            DataError: the fold has none.
        """
        chosen = snippets.filter(pc.equal(snippets["fold"], fold)).sort_by(
            [("piece_id", "ascending"), ("note", "ascending")]
        )
        if not len(chosen):
            raise DataError(
                f"no snippet belongs to the {fold} fold; check the rejects and the split of pieces"
            )
        return cls(
            chosen["piece_id"].to_pylist(),
            chosen["note"].to_numpy().astype(np.int64),
            chosen[TWIN_COLUMN].to_numpy(),
        )

    def places(self) -> list[tuple[str, int]]:
        """Return (piece, note) of each snippet."""
        return list(zip(self.pieces, self.notes.tolist(), strict=True))

    def take(self, rows: np.ndarray) -> TestSnippets:
        """Return some of the snippets, `rows` ascending."""
        return TestSnippets([self.pieces[row] for row in rows], self.notes[rows], self.twins[rows])

    def right(self) -> dict[str, RightAnswers]:
        """Return the right answers of each snippet in every sense of right."""
        near = {name: near_answers(self.pieces, self.notes, k) for name, k in TOLERANCES.items()}
        return {
            EXACT: exact_answers(len(self.pieces)),
            **near,
            TWINS: twin_answers(self.twins),
        }


@dataclass(frozen=True)
class Asked:
    """Test snippets that are each other's queries and gallery, and the conditions they serve."""

    snippets: TestSnippets
    conditions: tuple[str, ...]


def choose_candidates(
    snippets: TestSnippets,
    codes: SystemCodes,
    conditions: Sequence[str],
    candidates: int,
    condition_candidates: int,
) -> list[Asked]:
    """Choose the candidates under the main condition, and those of all conditions.

    Those of all conditions are the same snippets under each, the main one included: every drop
    is then one on equal queries and galleries. Snippets that lack a code under one condition (a
    rendition that failed) are none of them. Where both sets are of one size, that of all conditions
    serves for both.

    Args:
        snippets: the test snippets.
        codes: codes of a trained system.
        conditions: names, the main one first.
        candidates: largest number under the main condition alone.
        condition_candidates: largest number under all conditions.

    Raises:
        DataError: a condition was not encoded, or few snippets have codes under all conditions.
    """
    main, *others = conditions
    absent = [name for name in conditions if not codes.has(name)]
    if absent:
        raise DataError(f"{codes.path}: nothing encoded under {', '.join(absent)}; embed it again")
    usual = _encoded(snippets, codes, [main])
    asked = [Asked(usual.take(spaced(len(usual.pieces), candidates)), (main,))]
    if not others:
        return asked
    shared = _encoded(snippets, codes, conditions)
    possible = min(condition_candidates, len(usual.pieces))
    if len(shared.pieces) < _LEAST_SHARED * possible:
        raise DataError(
            f"{codes.path}: {len(shared.pieces)} test snippets have codes under all conditions, "
            f"expected about {possible}; embed the same snippets under each, and check the rejects "
            "of their renditions"
        )
    chosen = shared.take(spaced(len(shared.pieces), condition_candidates))
    if len(chosen.pieces) == len(asked[0].snippets.pieces):
        return [Asked(chosen, tuple(conditions))]
    return [*asked, Asked(chosen, tuple(conditions))]


def _encoded(snippets: TestSnippets, codes: SystemCodes, conditions: Sequence[str]) -> TestSnippets:
    present = set.intersection(
        *(codes.places(name, modality) for name in conditions for modality in ("audio", "sheet"))
    )
    rows = np.flatnonzero([place in present for place in snippets.places()])
    if not len(rows):
        raise DataError(
            f"{codes.path}: no test snippet has codes under {', '.join(conditions)}; embed the "
            "same test snippets under each"
        )
    logging.info(
        "%d of %d test snippets have codes under %s",
        len(rows),
        len(snippets.pieces),
        ", ".join(conditions),
    )
    return snippets.take(rows)


def rank_system(codes: SystemCodes, asked: Sequence[Asked]) -> Iterator[dict[str, Any]]:
    """Yield columns of the system_ranks table: a part for condition, direction and sense of right.

    Args:
        codes: codes of a trained system.
        asked: candidates and their conditions.
    """
    for one in asked:
        places, right = one.snippets.places(), one.snippets.right()
        count = len(places)
        for condition in one.conditions:
            vectors = {name: codes.vectors(condition, name, places) for name in ("audio", "sheet")}
            for direction in DIRECTIONS:
                query, gallery = direction.split("-to-")
                ranks = rank_answers(vectors[query], vectors[gallery], right)
                for name, (n_better, n_tied) in ranks.items():
                    yield {
                        "system": pa.repeat(codes.system, count),
                        "seed": pa.repeat(pa.scalar(codes.seed, pa.int32()), count),
                        "condition": pa.repeat(condition, count),
                        "direction": pa.repeat(direction, count),
                        "right": pa.repeat(name, count),
                        "piece_id": one.snippets.pieces,
                        "note": one.snippets.notes.astype(np.int32),
                        "n_better": n_better,
                        "n_tied": n_tied,
                        "gallery_size": np.full(count, count, dtype=np.int32),
                    }
