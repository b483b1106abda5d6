"""Guards galleries of a fixed size: which windows meet, whatever the order they come in."""

import random

import pytest

from ugaar.evaluate.galleries import cut_galleries

IDS = [f"{number:04}-0" for number in range(25)]


def test_a_fold_is_cut_into_disjoint_galleries():
    found = cut_galleries(IDS, 10)
    assert [len(gallery) for gallery in found] == [10, 10]
    assert len({window for gallery in found for window in gallery}) == 20
    assert all(gallery == sorted(gallery) for gallery in found)


def test_the_order_of_the_windows_does_not_matter():
    shuffled = list(IDS)
    random.Random(1).shuffle(shuffled)
    assert cut_galleries(shuffled, 10) == cut_galleries(IDS, 10)


def test_galleries_are_no_runs_of_neighbouring_ids():
    assert cut_galleries(IDS, 10)[0] != IDS[:10]


@pytest.mark.parametrize("size", [25, 26])
def test_a_fold_that_is_not_larger_is_no_second_gallery(size):
    assert cut_galleries(IDS, size) == []


def test_no_size_is_the_whole_fold_in_its_order():
    assert cut_galleries(IDS, None) == [IDS]
