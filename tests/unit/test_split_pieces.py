"""Guards the folds of pieces: variants of a tune stay together, shares count onsets."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from tunes import SOURCE, Q, piece

from ugaar.errors import DataError
from ugaar.score.piece_split import piece_groups, piece_split_rows, top_notes
from ugaar.score.repeats import without_repeats
from ugaar.score.twins import twin_hashes, twin_shares
from ugaar.sources.notes_folder import read_pieces

SPLIT = {"valid_share": 0.1, "test_share": 0.2, "max_group_share": 0.5, "seeds": [0]}


def random_bars(seed, count):
    generator = np.random.default_rng(seed)
    return generator.integers(55, 80, (count, 4)).tolist()


def tunes(count, bars=8):
    return [
        piece(random_bars(n, bars), f"{n:012x}", path=f"{n}.mid", collection="ab"[n % 2])
        for n in range(count)
    ]


def test_a_shared_run_makes_a_group_up_to_transposition_and_along_chains():
    shared, other = random_bars(100, 6), random_bars(101, 6)
    higher = [[pitch + 5 for pitch in bar] for bar in shared]
    rows = [
        piece(shared + random_bars(1, 2), "1", path="1"),
        piece(random_bars(2, 3) + higher + other, "2", path="2"),
        piece(other + random_bars(3, 1), "3", path="3"),
        piece(random_bars(4, 8), "4", path="4"),
        # 23 notes of the run, not 24.
        piece([[90, *shared[0][1:]], *shared[1:], [30, 31, 32, 33]], "5", path="5"),
    ]
    assert piece_groups(rows, 24) == {"1": "1", "2": "1", "3": "1", "4": "4", "5": "5"}
    assert piece_groups(rows, 23)["5"] == "1"


def test_another_rhythm_is_another_tune():
    row = piece(random_bars(1, 8), "1", path="1")
    slow = {**row, "piece_id": "2", "path": "2", "onset_tick": [2 * t for t in row["onset_tick"]]}
    assert piece_groups([row, slow], 24) == {"1": "1", "2": "2"}


def test_voices_of_one_file_and_equal_short_pieces_are_groups():
    rows = [
        piece(random_bars(1, 8), "1", path="choir.mid"),
        piece(random_bars(2, 8), "2", path="choir.mid"),
        piece([[60, 62, 64, 65]], "3", path="3"),
        piece([[62, 64, 66, 67]], "4", path="4"),
    ]
    assert piece_groups(rows, 24) == {"1": "1", "2": "1", "3": "3", "4": "3"}


def test_the_melody_is_what_is_compared():
    row = {
        "pitch": [40, 60, 64, 62, 43],
        "onset_tick": [0, 0, 0, Q, Q],
        "staff": [1, 0, 0, 0, 1],
    }
    assert top_notes(row) == ([64, 62], [0, Q])


def test_folds_hold_whole_groups_and_their_shares_of_the_onsets():
    rows = tunes(100)
    groups = piece_groups(rows, 24)
    # Pairs of variants.
    groups = {name: f"{int(name, 16) // 2:012x}" for name in groups}
    found = piece_split_rows(rows, groups, SPLIT)
    assert [row["piece_id"] for row in found] == [row["piece_id"] for row in rows]
    folds_of_group = {}
    for row in found:
        folds_of_group.setdefault(row["group"], set()).add(row["fold"])
    assert all(len(folds) == 1 for folds in folds_of_group.values())
    onsets = Counter()
    for row in found:
        onsets[row["fold"]] += row["n_onsets"]
    assert onsets["test"] / onsets.total() == pytest.approx(0.2, abs=0.02)
    assert onsets["valid"] / onsets.total() == pytest.approx(0.1, abs=0.02)


def test_the_draw_depends_on_the_seed_alone():
    rows = tunes(40)
    groups = {row["piece_id"]: row["piece_id"] for row in rows}
    folds = {row["piece_id"]: row["fold"] for row in piece_split_rows(rows, groups, SPLIT)}
    again = {row["piece_id"]: row["fold"] for row in piece_split_rows(rows[::-1], groups, SPLIT)}
    other = {
        row["piece_id"]: row["fold"]
        for row in piece_split_rows(rows, groups, {**SPLIT, "seeds": [1, 0]})
    }
    assert folds == again
    assert folds != other


def test_long_pieces_count_as_what_they_hold():
    rows = [*tunes(10, bars=2), piece(random_bars(99, 30), "f" * 12, path="long")]
    groups = {row["piece_id"]: row["piece_id"] for row in rows}
    found = piece_split_rows(rows, groups, {**SPLIT, "valid_share": 0.05, "test_share": 0.1})
    fold_of = {row["piece_id"]: row["fold"] for row in found}
    # 200 onsets: the long piece has 120, more than any fold but training may take.
    assert fold_of["f" * 12] == "train"
    assert Counter(fold_of.values())["test"] == 2


def test_an_empty_fold_is_an_error_with_a_remedy():
    rows = tunes(3)
    groups = {row["piece_id"]: rows[0]["piece_id"] for row in rows}
    with pytest.raises(DataError, match=r"no piece in fold valid.*raise split\.valid_share"):
        piece_split_rows(rows, groups, SPLIT)
    alone = {row["piece_id"]: row["piece_id"] for row in rows}
    with pytest.raises(DataError, match=r"no piece in fold train.*lower split\.valid_share"):
        piece_split_rows(rows, alone, {**SPLIT, "valid_share": 0.34, "test_share": 0.67})


def test_folds_and_twins_of_nottingham_waltzes():
    mirror = os.environ.get("UGAAR_MIRROR")
    archive = Path(mirror or ".") / "data/nottingham_midi.zip"
    if not mirror or not archive.is_file():
        pytest.skip("UGAAR_MIRROR names no folder with data/nottingham_midi.zip")
    source = {**SOURCE, "path": str(archive), "include": ["MIDI/waltzes"], "grid_per_quarter": 8}
    whole, _ = read_pieces(source, 0, 1)
    cut = [without_repeats(row, 4) for row in whole]
    shares = []
    for rows in (whole, cut):
        hashes = [twin_hashes(row, 5) for row in rows]
        pieces = np.repeat(range(len(rows)), [len(own) for own in hashes])
        shares.append(twin_shares(np.concatenate(hashes), pieces))
    # Repeats are why most places have a twin in their own tune.
    assert shares[0].in_piece > 50
    assert shares[1].in_piece < 20
    assert shares[1].ceiling > 90 > 70 > shares[0].ceiling
    found = piece_split_rows(cut, piece_groups(cut, 24), SPLIT)
    assert {row["fold"] for row in found} == {"train", "valid", "test"}
