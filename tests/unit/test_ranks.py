"""Guards the ranks against order of the gallery, ties, block size and lost precision."""

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.evaluate.ranks import rank_matches


def distinct(n):
    return [f"content-{number}" for number in range(n)]


def naive(queries, gallery, content, similarity):
    """Count better and tied items one by one in float64."""
    better, tied = [], []
    for i, query in enumerate(queries.astype(float)):
        scores = []
        for key in content:
            item = gallery[content.index(key)].astype(float)
            if similarity == "cosine":
                score = query @ item / np.linalg.norm(query) / np.linalg.norm(item)
            else:
                score = -np.linalg.norm(query - item)
            scores.append(score)
        better.append(sum(score > scores[i] + 1e-9 for score in scores))
        tied.append(sum(abs(score - scores[i]) <= 1e-9 for score in scores))
    return better, tied


def test_five_items_worked_by_hand():
    # One dimension, Euclidean. Items 1 and 2 are the same content.
    gallery = np.array([[0.0], [1.0], [1.0], [3.0], [5.0]])
    content = ["a", "b", "b", "c", "d"]
    # Query 0 at 0.2: distances .2 .8 .8 2.8 4.8, right answer first.
    # Query 1 at 1.1: 1.1 .1 .1 1.9 3.9, right answer tied with its twin.
    # Query 2 at 2.5: 2.5 1.5 1.5 .5 2.5, one better (3), twin tied.
    # Query 3 at 2.0: 2 1 1 1 3, right answer at 1 tied with both b by distance.
    # Query 4 at 0.0: 0 1 1 3 5, all four others better.
    queries = np.array([[0.2], [1.1], [2.5], [2.0], [0.0]])
    n_better, n_tied = rank_matches(queries, gallery, content, "euclidean")
    assert n_better.tolist() == [0, 0, 1, 0, 4]
    assert n_tied.tolist() == [1, 2, 2, 3, 1]


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_agrees_with_counting_one_by_one(similarity):
    random = np.random.default_rng(0)
    gallery = random.normal(size=(40, 3)).astype(np.float32)
    queries = (gallery + random.normal(size=gallery.shape)).astype(np.float32)
    content = [f"content-{number // 2}" for number in range(40)]
    n_better, n_tied = rank_matches(queries, gallery, content, similarity)
    expected_better, expected_tied = naive(queries, gallery, content, similarity)
    assert n_better.tolist() == expected_better
    assert n_tied.tolist() == expected_tied


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_block_size_does_not_matter(similarity):
    random = np.random.default_rng(1)
    gallery, queries = random.normal(size=(2, 57, 8))
    whole = rank_matches(queries, gallery, distinct(57), similarity)
    small = rank_matches(queries, gallery, distinct(57), similarity, scores_per_block=100)
    np.testing.assert_array_equal(whole, small)


def test_order_of_the_gallery_does_not_matter():
    random = np.random.default_rng(2)
    gallery, queries = random.normal(size=(2, 60, 3))
    content = [str(key) for key in random.integers(0, 30, size=60)]
    # Equal content has equal embeddings, as any method gives that embeds content.
    gallery = np.stack([gallery[content.index(key)] for key in content])
    straight = np.array(rank_matches(queries, gallery, content, "euclidean"))
    order = random.permutation(60)
    turned = np.array(
        rank_matches(queries[order], gallery[order], [content[i] for i in order], "euclidean")
    )
    np.testing.assert_array_equal(straight[:, order], turned)
    assert straight[1].max() > 1


def test_equal_content_ties_although_its_embeddings_round_differently():
    gallery = np.array([[1.0, 0.0], [1.0, 1e-7], [0.0, 1.0]], dtype=np.float32)
    queries = np.array([[1.0, 0.5], [1.0, 0.5], [0.0, 1.0]], dtype=np.float32)
    assert rank_matches(queries, gallery, ["x", "x", "y"], "cosine")[1].tolist() == [2, 2, 1]
    assert rank_matches(queries, gallery, ["x", "z", "y"], "cosine")[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("similarity", ["cosine", "euclidean"])
def test_a_collapsed_model_ties_everything(similarity):
    # 128 dimensions that are no round numbers: sums in another order would differ in the last bit.
    constant = np.full((301, 128), 0.1, dtype=np.float32) * np.linspace(0.3, 1.7, 128)
    queries = np.random.default_rng(3).normal(size=(301, 128))
    n_better, n_tied = rank_matches(queries, constant, distinct(301), similarity)
    assert not n_better.any()
    assert (n_tied == 301).all()


def test_distances_far_from_the_origin_keep_their_order():
    offset = np.full(8, 1000.0)
    random = np.random.default_rng(4)
    gallery = random.normal(size=(30, 8))
    queries = gallery + 0.1 * random.normal(size=gallery.shape)
    near = rank_matches(queries, gallery, distinct(30), "euclidean")
    far = rank_matches(queries + offset, gallery + offset, distinct(30), "euclidean")
    np.testing.assert_array_equal(near, far)


def test_zero_vectors_do_not_break_cosine():
    gallery = np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    queries = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    n_better, n_tied = rank_matches(queries, gallery, distinct(3), "cosine")
    assert n_better.tolist() == [1, 0, 2]
    assert n_tied.tolist() == [1, 1, 1]


def test_misuse_is_named():
    good = np.ones((3, 2), dtype=np.float32)
    with pytest.raises(DataError, match="similarity 'dot' is unknown"):
        rank_matches(good, good, distinct(3), "dot")
    with pytest.raises(DataError, match="do not belong together"):
        rank_matches(good, good[:2], distinct(3), "cosine")
    with pytest.raises(DataError, match="do not belong together"):
        rank_matches(good, good, distinct(2), "cosine")
    broken = good.copy()
    broken[1, 0] = np.nan
    with pytest.raises(DataError, match=r"1 gallery embeddings are not finite \(first: row 1\)"):
        rank_matches(good, broken, distinct(3), "cosine")
