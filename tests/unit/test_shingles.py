"""Guards shingles, alignments, copies, folds and principal components, on worked examples."""

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.versions import principal
from ugaar.versions.alignment import align, copies
from ugaar.versions.folds import fold_of_works
from ugaar.versions.pairs import Places, positive_pairs
from ugaar.versions.recordings import Shingles
from ugaar.versions.turns import TEST, VALID, asked, learned


def unit(values):
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def melody(frames, seed=0):
    return unit(np.random.default_rng(seed).random((frames, 12)) ** 4)


@pytest.fixture
def shingles():
    return Shingles(["a", "b"], ["w", "w"], [melody(5), melody(4, 1)], 3)


def test_shingles_are_consecutive_vectors_of_one_recording(shingles):
    assert len(shingles) == 3 + 2
    assert shingles.recording.tolist() == [0, 0, 0, 1, 1]
    assert shingles.second.tolist() == [0, 1, 2, 0, 1]
    cut = shingles.cut(np.arange(5))
    assert cut.shape == (5, 12, 3)
    for number, (recording, second) in enumerate(
        zip(shingles.recording, shingles.second, strict=True)
    ):
        expected = shingles.chroma[recording][second : second + 3].T
        np.testing.assert_array_equal(cut[number], expected)
    assert shingles.of(np.array([1])).tolist() == [3, 4]


def test_a_recording_aligns_with_itself_on_the_diagonal():
    found = align(melody(30), melody(30))
    assert found.distance == pytest.approx(0, abs=1e-6)
    assert found.place.tolist() == list(range(30)) == found.other_place.tolist()


def test_a_version_at_half_speed_is_followed():
    first = melody(20)
    found = align(first, np.repeat(first, 2, axis=0))
    assert found.distance == pytest.approx(0, abs=1e-6)
    # The middle of each pair of seconds, rounded down.
    assert found.place.tolist() == [2 * second for second in range(20)]
    assert found.other_place.tolist() == [second // 2 for second in range(40)]


def test_copies_of_copies_are_copies():
    pairs = [("b", "c", 0.01), ("d", "e", 0.5), ("a", "b", 0.02)]
    found = copies(list("abcde"), pairs, 0.045)
    assert found == {"a": "a", "b": "a", "c": "a", "d": "d", "e": "e"}
    assert set(copies(list("abcde"), pairs, 0.0).values()) == set("abcde")


def test_every_fold_has_works_of_every_composer_where_it_can():
    counts = {f"c{number}": 50 + number for number in range(5)}
    counts |= {f"b{number}": 4 for number in range(4)} | {f"v{number}": 7 for number in range(3)}
    strata = {work: work[0] for work in counts}
    found = fold_of_works(counts, strata, 4)
    assert set(found) == set(counts)
    sizes = [sum(fold == number for fold in found.values()) for number in range(4)]
    assert sizes == [3, 3, 3, 3]
    for number in range(4):
        assert sum(fold == number and work[0] == "b" for work, fold in found.items()) == 1
    assert found == fold_of_works(dict(reversed(counts.items())), strata, 4)


def test_too_few_works_are_an_error():
    with pytest.raises(DataError, match=r"lower versions\.folds"):
        fold_of_works({"a": 3, "b": 3, "c": 3}, dict.fromkeys("abc", "x"), 2)


@pytest.mark.parametrize("ranked", [TEST, VALID])
def test_no_model_learns_what_it_is_asked(ranked):
    fold = np.array([0, 0, 1, 1, 2, 3])
    for turn in range(4):
        seen, queried = learned(fold, turn, 4, ranked), asked(fold, turn, 4, ranked)
        assert not set(seen) & set(queried)
        # Tuning looks at neither the answers nor the training data of the turn's test works.
        tuned_on = set(seen) | set(queried)
        assert ranked == TEST or not tuned_on & set(np.flatnonzero(fold == turn))
    everything = [number for turn in range(4) for number in asked(fold, turn, 4, ranked)]
    assert sorted(everything) == list(range(6))


def test_pairs_show_the_aligned_second_and_leave_out_copies(shingles):
    # Second s of a lies at second s - 1 of b.
    places = Places(
        {
            (0, 1): np.array([0, 0, 1, 2, 3], np.int16),
            (1, 0): np.array([1, 2, 3, 4], np.int16),
        }
    )
    pool = positive_pairs(shingles, places, np.array([0, 1]), np.array([0, 1]))
    pairs = set(zip(pool.anchor.tolist(), pool.positive.tolist(), strict=True))
    # Middle second 1 of a's first shingle meets second 0 of b: before b's first shingle.
    assert pairs == {(1, 3), (2, 4), (3, 1), (4, 2)}
    assert pool.starts.tolist() == [0, 4]
    assert not len(positive_pairs(shingles, places, np.array([5, 5]), np.array([0, 1])).anchor)
    assert not len(positive_pairs(shingles, places, np.array([0, 1]), np.array([0])).anchor)


def test_principal_components_keep_distances_and_order_by_width():
    random = np.random.default_rng(3)
    data = (random.standard_normal((200, 12)) * np.arange(1, 13)).astype(np.float32)
    fitted = principal.fit(data[:, :, None])
    codes = fitted.encode(data[:, :, None], 12)
    np.testing.assert_allclose(
        np.linalg.norm(codes[0] - codes[1:], axis=1),
        np.linalg.norm(data[0] - data[1:], axis=1),
        rtol=1e-4,
    )
    widths = codes.std(axis=0)
    assert (np.diff(widths) <= 0).all()
    # The best 2-dimensional code loses what the other directions hold.
    kept = fitted.encode(data[:, :, None], 2)
    np.testing.assert_array_equal(kept, codes[:, :2])
