"""Guards the transcription of the paper's tables and what the notes claim about them."""

import pytest

from ugaar.evaluate import published
from ugaar.evaluate.metrics import chance_values
from ugaar.tables import DIRECTIONS


def test_tables_hold_every_direction():
    for table in (published.TABLE_1, published.TABLE_2):
        for directions in table.values():
            assert set(directions) == set(DIRECTIONS)


def test_tables_agree_but_for_the_exchanged_directions():
    one, two = published.TABLE_1["ugaar"], published.TABLE_2["ugaar"]
    exchanged = {"lyrics-to-sheet": "sheet-to-lyrics", "sheet-to-lyrics": "lyrics-to-sheet"}
    for direction in DIRECTIONS:
        same = two[exchanged.get(direction, direction)]
        assert one[direction] == {name: same[name] for name in ("R@1", "MedR")}


def test_the_random_rows_are_not_chance():
    means = [row["MeanR"] for row in published.TABLE_2["random"].values()]
    size = round(2 * sum(means) / len(means) - 1)
    assert size == pytest.approx(14513, abs=2)
    chance = chance_values(size, (1, 5, 10))
    for name, quoted, printed in (("R@1", 0.007, 2.8), ("R@5", 0.034, 5.5), ("R@10", 0.069, 7.6)):
        assert chance[name] == pytest.approx(quoted, abs=5e-4)
        row = published.TABLE_2["random"]["audio-to-lyrics"][name]
        assert row == pytest.approx(printed, abs=0.05)
