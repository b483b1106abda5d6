"""Strips as arrays: halving, places of crops, unreadable images."""

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.features.strips import crop_starts, decode_strip, halve


def test_halving_takes_rounded_means():
    strip = np.array([[0, 1, 255, 255, 9], [2, 3, 255, 254, 9], [9, 9, 9, 9, 9]], dtype=np.uint8)
    assert halve(strip).tolist() == [[2, 255]]


def test_crops_reach_from_end_to_end():
    assert crop_starts(150, 3).tolist() == [0, 25, 50]
    assert crop_starts(100, 4).tolist() == [0, 0, 0, 0]


def test_bad_strips_are_named():
    with pytest.raises(DataError, match="strip abc: not a readable PNG"):
        decode_strip(b"no image", "abc")
