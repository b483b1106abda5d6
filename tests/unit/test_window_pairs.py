"""Windows as pools of pairs, with places worked by hand."""

import numpy as np
import pytest
from rendered_pairs import NOTES, write_pairs

from ugaar.errors import DataError
from ugaar.parquet_files import read_table, write_table
from ugaar.tables import AUDIO, SHEET, WINDOWS
from ugaar.train.pair_pool import Shape
from ugaar.train.window_pairs import read_window_pairs

SHAPE = Shape(80, 100, 42)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(folder, n=6, valid=2, shards=2)
    return folder


def read(folder, folds=("train", "valid")):
    return read_window_pairs(
        folder / "windows.parquet",
        folder / "split.parquet",
        folder / "audio",
        folder / "sheet",
        folds,
    )


def test_one_pair_for_each_note(folder):
    pools = read(folder)
    assert len(pools["train"]) == 4 * NOTES
    assert len(pools["valid"]) == 2 * NOTES
    train = pools["train"]
    # Notes every 30 px from 108 px on, half resolution; every 0.4 s, 20 frames a second.
    np.testing.assert_allclose(train.column[:NOTES], 54 + 15 * np.arange(NOTES))
    assert train.frame[0, :NOTES].tolist() == [8 * note for note in range(NOTES)]
    strip = 200 + 30 * NOTES
    assert train.strip_first.tolist() == np.repeat(np.arange(4) * strip // 2, NOTES).tolist()
    assert train.strip_stop.tolist() == (train.strip_first + strip // 2).tolist()
    assert train.frame_first[0].tolist() == np.repeat(np.arange(4) * 8 * NOTES, NOTES).tolist()


def test_the_notehead_lies_in_the_middle_of_its_crop(folder):
    train = read(folder)["train"]
    crops, _ = train.cut(range(len(train)), SHAPE)
    assert crops.shape == (len(train), 1, 80, 100)
    assert crops.min() == 0.0
    assert crops.max() == 1.0
    # Ink that is no staff line: the blots. The middle one is centred within a pixel.
    for crop in crops[:, 0]:
        dark = (crop[:, 44:57] < 0.5).sum(axis=0) > 3
        assert dark.any()
        assert abs(np.flatnonzero(dark).mean() + 44 - 49.5) <= 1.0


def test_the_onset_lies_in_the_middle_of_its_excerpt(folder):
    train = read(folder)["train"]
    _, excerpts = train.cut(range(1, NOTES), SHAPE)
    assert excerpts.shape == (NOTES - 1, 1, 92, 42)
    spectrogram = train.spectrograms[0]
    for note, found in enumerate(excerpts, start=1):
        np.testing.assert_array_equal(found[0][:, 21], spectrogram[8 * note].astype(np.float32))


def test_augmentation_follows_its_generator_and_stays_small(folder):
    train = read(folder)["train"]
    plain = train.cut(range(8), SHAPE)
    first, again, other = (
        train.cut(range(8), SHAPE, np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for a, b, c, d in zip(first, again, other, plain, strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)
        assert not np.array_equal(a, d)
        assert abs(a.mean() - d.mean()) < 0.1


def test_equal_windows_are_read_once(folder, tmp_path):
    table = read_table(folder / "windows.parquet", WINDOWS).to_pylist()
    table[1] |= {"audio_key": table[0]["audio_key"], "sheet_key": table[0]["sheet_key"]}
    write_table(tmp_path / "windows.parquet", WINDOWS, table)
    pools = read_window_pairs(
        tmp_path / "windows.parquet",
        folder / "split.parquet",
        folder / "audio",
        folder / "sheet",
        ["train"],
    )
    assert len(pools["train"]) == 3 * NOTES


def test_of_many_windows_some_are_drawn(folder):
    files = [folder / name for name in ("windows.parquet", "split.parquet", "audio", "sheet")]
    few, fewer = (read_window_pairs(*files, ["train"], most)["train"] for most in (3, 2))
    assert (len(few), len(fewer)) == (3 * NOTES, 2 * NOTES)
    drawn = [
        {strip.tobytes() for strip in np.split(pool.strips, n)}
        for pool, n in ((fewer, 2), (few, 3))
    ]
    assert drawn[0] < drawn[1]
    again = read_window_pairs(*files, ["train"], 3)["train"]
    assert again.digest() == few.digest()


def test_number_of_shards_does_not_matter(folder, tmp_path):
    write_pairs(tmp_path, n=6, valid=2, shards=1)
    for fold, pool in read(tmp_path).items():
        other = read(folder)[fold]
        np.testing.assert_array_equal(pool.strips, other.strips)
        assert pool.digest() == other.digest()


def test_windows_without_media_are_left_out_and_an_empty_fold_is_named(folder, tmp_path):
    clips = read_table(folder / "audio", AUDIO).to_pylist()
    write_table(tmp_path / "audio" / "shard-0.parquet", AUDIO, clips[:1])
    files = (
        folder / "windows.parquet",
        folder / "split.parquet",
        tmp_path / "audio",
        folder / "sheet",
    )
    assert len(read_window_pairs(*files, ["train"])["train"]) == NOTES
    with pytest.raises(DataError, match="no window of the valid fold"):
        read_window_pairs(*files, ["valid"])


def test_a_note_without_a_head_gives_no_pair(folder, tmp_path):
    strips = read_table(folder / "sheet", SHEET).to_pylist()
    for strip in strips:
        strip["note_index"], strip["notehead_x_px"] = [3, 5], [300.0, 400.0]
    write_table(tmp_path / "shard-0.parquet", SHEET, strips)
    pools = read_window_pairs(
        folder / "windows.parquet", folder / "split.parquet", folder / "audio", tmp_path, ["valid"]
    )
    assert pools["valid"].column.tolist() == [150.0, 200.0] * 2
    assert pools["valid"].frame[0].tolist() == [24, 40] * 2
