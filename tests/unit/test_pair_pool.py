"""Cutting of pairs, against places worked by hand and a loop that cuts them one by one."""

from dataclasses import replace

import numpy as np
import pytest

from ugaar.features.spectrogram import FRONT_ENDS
from ugaar.train.augmentation import Augmentation, Draws
from ugaar.train.looks import Look
from ugaar.train.pair_pool import PairPool, Shape

SHAPE = Shape(80, 100, 42)
NOTHING = Augmentation(0.0, 0, 0.0, 0.0)


def pool_of(strips, clips, places, front_end="20fps"):
    """Lay media one after another; places are (strip, column, clip, frame of each rendition)."""
    strip_ends = np.cumsum([0, *map(len, strips)])
    clip_ends = [np.cumsum([0, *map(len, its)]) for its in clips]
    strip, column, clip, *frames = (np.array(values) for values in zip(*places, strict=True))
    return PairPool(
        strips=np.concatenate(strips),
        spectrograms=[np.concatenate(its) for its in clips],
        strip_first=strip_ends[strip],
        strip_stop=strip_ends[strip + 1],
        column=column.astype(np.float64),
        frame_first=np.stack([ends[clip] for ends in clip_ends]),
        frame_stop=np.stack([ends[clip + 1] for ends in clip_ends]),
        frame=np.stack(frames),
        front_end=FRONT_ENDS[front_end],
    )


@pytest.fixture
def pool():
    """Return 60 pairs of 3 strips and clips in 2 renditions, noise throughout."""
    random = np.random.default_rng(0)
    widths, lengths = (150, 400, 90), ((70, 30, 200), (140, 60, 400))
    strips = [random.integers(0, 256, (width, 80), dtype=np.uint8) for width in widths]
    clips = [[random.random((length, 92)).astype(np.float16) for length in its] for its in lengths]
    places = []
    for number in range(60):
        medium = number % 3
        column = random.uniform(0, widths[medium])
        frame = int(random.integers(lengths[0][medium]))
        places.append((medium, column, medium, frame, 2 * frame))
    return pool_of(strips, clips, places)


def cut_one(pool, pair, rendition, rows, scale, frames, tempo, shape=SHAPE):
    """Cut one pair, pixel by pixel and frame by frame."""
    strip = pool.strips[pool.strip_first[pair] : pool.strip_stop[pair]].T
    crop = np.ones((shape.crop_height, shape.crop_width), dtype=np.float32)
    for y in range(shape.crop_height):
        for x in range(shape.crop_width):
            row = int(np.floor((y + 0.5 - shape.crop_height / 2) * scale + 40 + rows))
            column = (x + 0.5 - shape.crop_width / 2) * scale + pool.column[pair]
            column = int(np.floor(column))
            if 0 <= row < 80 and 0 <= column < strip.shape[1]:
                crop[y, x] = strip[row, column] / np.float32(255)
    first, stop = (a[rendition, pair] for a in (pool.frame_first, pool.frame_stop))
    clip = pool.spectrograms[rendition][first:stop]
    excerpt = np.zeros((clip.shape[1], shape.frames), dtype=np.float32)
    for place in range(shape.frames):
        frame = pool.frame[rendition, pair] + frames + round((place - shape.frames // 2) * tempo)
        if 0 <= frame < len(clip):
            excerpt[:, place] = clip[frame]
    return crop, excerpt


@pytest.mark.parametrize("shape", [SHAPE, Shape(40, 100, 84)])
def test_a_batch_equals_pairs_cut_one_by_one(pool, shape):
    crops, excerpts = pool.cut(range(0, 60, 4), shape, rendition=1)
    assert crops.shape == (15, 1, shape.crop_height, 100)
    assert excerpts.shape == (15, 1, 92, shape.frames)
    assert crops.dtype == excerpts.dtype == np.float32
    for pair, crop, excerpt in zip(range(0, 60, 4), crops, excerpts, strict=True):
        expected = cut_one(pool, pair, 1, 0.0, 1.0, 0, 1.0, shape)
        np.testing.assert_array_equal(crop[0], expected[0])
        np.testing.assert_array_equal(excerpt[0], expected[1])


def test_an_augmented_batch_equals_its_draws_cut_one_by_one(pool):
    chosen = np.array([5, 5, 17, 58, 0, 33, 8, 21])
    crops, excerpts = pool.cut(chosen, SHAPE, np.random.default_rng(4))
    drawn = Draws.of(8, np.random.default_rng(4), Augmentation(), pool.front_end, 2)
    assert set(drawn.rendition) == {0, 1}
    for place, pair in enumerate(chosen):
        its = (a[place] for a in (drawn.rendition, drawn.rows, drawn.scale, drawn.frames))
        expected = cut_one(pool, pair, *its, drawn.tempo[place])
        np.testing.assert_array_equal(crops[place, 0], expected[0])
        np.testing.assert_array_equal(excerpts[place, 0], expected[1])


def test_the_same_generator_gives_the_same_arrays_and_another_others(pool):
    first, again, other = (
        pool.cut(range(20), SHAPE, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


def test_without_changes_only_the_rendition_is_drawn(pool):
    plain = [pool.cut(range(60), SHAPE, rendition=rendition) for rendition in (0, 1)]
    crops, excerpts = pool.cut(range(60), SHAPE, np.random.default_rng(0), NOTHING)
    np.testing.assert_array_equal(crops, plain[0][0])
    sources = [
        [np.array_equal(excerpt, its) for its in (plain[0][1][pair], plain[1][1][pair])]
        for pair, excerpt in enumerate(excerpts)
    ]
    assert all(any(found) for found in sources)
    assert 15 < sum(found[0] for found in sources) < 45


def test_draws_keep_their_bounds_and_reach_them():
    drawn = Draws.of(5000, np.random.default_rng(0), Augmentation(), FRONT_ENDS["20fps"], 3)
    assert np.abs(drawn.rows).max() == pytest.approx(2.5, abs=0.01)  # 5 px at full resolution
    assert np.abs(drawn.scale - 1).max() == pytest.approx(0.05, abs=0.001)
    assert np.abs(drawn.tempo - 1).max() == pytest.approx(0.1, abs=0.001)
    assert set(drawn.frames) == {-1, 0, 1}
    assert np.bincount(drawn.rendition).min() > 1500
    # One frame at 20 a second is 1.56 frames at 31.25: 2 whole ones.
    faster = Draws.of(500, np.random.default_rng(0), Augmentation(), FRONT_ENDS["31fps"], 1)
    assert set(faster.frames) == {-2, -1, 0, 1, 2}


def test_the_ends_of_strip_and_clip_are_padded_with_paper_and_silence():
    # The neighbours in the same arrays must not show.
    strips = [
        np.zeros((30, 80), np.uint8),
        np.full((120, 80), 51, np.uint8),
        np.zeros((9, 80), "u1"),
    ]
    clips = [np.ones((n, 92), np.float16) for n in (7, 5, 7)]
    pool = pool_of(strips, [clips], [(1, 0.0, 1, 0), (1, 120.0, 1, 4), (1, 60.0, 1, 2)])
    crops, excerpts = pool.cut(range(3), Shape(80, 100, 8))
    inside = np.float32(0.2)
    assert (crops[0, 0, :, :50] == 1).all()
    assert (crops[0, 0, :, 50:] == inside).all()
    assert (crops[1, 0, :, :50] == inside).all()
    assert (crops[1, 0, :, 50:] == 1).all()
    assert (crops[2] == inside).all()
    assert excerpts[:, 0, 0].tolist() == [
        [0, 0, 0, 0, 1, 1, 1, 1],
        [1, 1, 1, 1, 1, 0, 0, 0],
        [0, 0, 1, 1, 1, 1, 1, 0],
    ]


def test_tempo_stretches_about_the_onset():
    ramp = np.repeat(np.arange(40, dtype=np.float16)[:, None], 92, axis=1)
    pool = pool_of([np.zeros((10, 80), np.uint8)], [[ramp]], [(0, 5.0, 0, 20)])
    offsets = np.rint(np.arange(-4, 4) * 2.0).astype(np.int64)[None]
    found = pool._excerpts(np.array([0]), offsets, np.array([0]))
    assert found[0, 0, 0].tolist() == [12, 14, 16, 18, 20, 22, 24, 26]


def test_a_strip_of_one_pixel_and_a_clip_of_one_silent_frame():
    pool = pool_of([np.zeros((1, 80), np.uint8)], [[np.zeros((1, 92), "f2")]], [(0, 0.4, 0, 0)])
    crops, excerpts = pool.cut([0], SHAPE)
    assert (crops == 0).sum() == 80
    assert (crops[0, 0, :, 50] == 0).all()
    assert (excerpts == 0).all()
    for array in (
        *pool.cut([0], SHAPE, np.random.default_rng(0)),
        *pool.cut([0], SHAPE, look=Look(1.15)),
    ):
        assert np.isfinite(array).all()


def test_spaced_pairs_reach_from_the_first_to_the_last(pool):
    assert pool.spaced(3).column.tolist() == pool.column[[0, 29, 59]].tolist()
    assert len(pool.spaced(10**6)) == len(pool) == 60
    assert len(pool.spaced(60)) == 60
    assert len(pool.spaced(1)) == 1


def test_a_subset_cuts_the_same_pairs(pool):
    few = pool.subset(np.array([40, 3]))
    for a, b in zip(few.cut(range(2), SHAPE), pool.cut([40, 3], SHAPE), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_digest_follows_pairs_and_contents(pool):
    digests = {pool.digest(), pool.spaced(30).digest()}
    digests.add(replace(pool, column=pool.column + 1.0).digest())
    strips, spectrogram = pool.strips.copy(), pool.spectrograms[1].copy()
    strips[-1, -1] ^= 1
    spectrogram[0, 0] += 1
    digests.add(replace(pool, strips=strips).digest())
    digests.add(replace(pool, spectrograms=[pool.spectrograms[0], spectrogram]).digest())
    assert len(digests) == 5
    assert replace(pool, strips=pool.strips.copy()).digest() == pool.digest()


def test_the_plain_look_gives_the_plain_crops(pool):
    plain = pool.cut(range(60), SHAPE)[0]
    # A blur of almost nothing takes the way of a look.
    np.testing.assert_allclose(
        pool.cut(range(60), SHAPE, look=Look(blur=1e-9))[0], plain, atol=1e-6
    )


def blot(shape=SHAPE, look=None):
    """Return a crop of a 4 x 4 blot 20 right of and 10 above the notehead's place."""
    strip = np.full((300, 80), 255, dtype=np.uint8)
    strip[168:172, 28:32] = 0
    pool = pool_of([strip], [[np.zeros((1, 92), "f2")]], [(0, 150.0, 0, 0)])
    crop = 1.0 - pool.cut([0], shape, look=look or Look())[0][0, 0]
    rows, columns = np.indices(crop.shape) + 0.5
    mass = crop.sum()
    return mass, (columns * crop).sum() / mass - 50.0, 40.0 - (rows * crop).sum() / mass


def test_a_look_scales_turns_and_blurs_about_the_notehead():
    assert blot() == pytest.approx((16.0, 20.0, 10.0))
    mass, right, up = blot(look=Look(scale=1.5))
    assert (mass, right, up) == pytest.approx((36.0, 30.0, 15.0), rel=0.02)
    mass, right, up = blot(look=Look(rotate=30.0))
    turned = (20 * np.cos(np.pi / 6) - 10 * np.sin(np.pi / 6), 20 * 0.5 + 10 * np.cos(np.pi / 6))
    assert (right, up) == pytest.approx(turned, abs=0.05)
    assert mass == pytest.approx(16.0, rel=0.02)
    assert blot(look=Look(blur=3.0)) == pytest.approx((16.0, 20.0, 10.0), abs=0.05)


def test_a_blur_has_the_width_asked_for():
    line = np.full((300, 80), 255, dtype=np.uint8)
    line[150] = 0
    pool = pool_of([line], [[np.zeros((1, 92), "f2")]], [(0, 150.0, 0, 0)])
    profile = 1.0 - pool.cut([0], SHAPE, look=Look(blur=3.0))[0][0, 0, 40]
    places = np.arange(100) - 50.0
    # 3 px at full resolution are 1.5 in the store.
    assert np.sqrt((profile * places**2).sum()) == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"frame": np.zeros((1, 60), np.int64)}, "frame: shape"),
        ({"strip_stop": np.zeros(3, np.int64)}, "strip_stop: 3 of 60"),
        ({"front_end": FRONT_ENDS["31fps"]}, "92 bins, the front end 31fps 136"),
    ],
)
def test_misuse_is_named(pool, wrong, message):
    with pytest.raises(ValueError, match=message):
        replace(pool, **wrong)


def test_looks_are_not_for_training(pool):
    with pytest.raises(ValueError, match="takes no generator"):
        pool.cut([0], SHAPE, np.random.default_rng(0), look=Look(1.1))
