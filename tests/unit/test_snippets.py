"""Cutting of aligned pairs, with places worked by hand."""

import numpy as np
import pytest
from rendered_pairs import NOTES, write_pairs

from ugaar.errors import DataError
from ugaar.features.strips import crop_starts, decode_strip, halve
from ugaar.parquet_files import read_table, write_table
from ugaar.tables import AUDIO, SHEET, WINDOWS
from ugaar.train.snippets import excerpt, read_snippets


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    write_pairs(folder, n=6, valid=2, shards=2)
    return folder


def read(folder, folds=("train", "valid")):
    return read_snippets(
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
    assert train.frame[:NOTES].tolist() == [8 * note for note in range(NOTES)]
    assert train.strip_of.tolist() == np.repeat(np.arange(4), NOTES).tolist()


def test_the_notehead_lies_in_the_middle_of_its_crop(folder):
    train = read(folder)["train"]
    crops, _ = train.cut(range(len(train)), 42)
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
    _, excerpts = train.cut(range(1, NOTES), 42)
    assert excerpts.shape == (NOTES - 1, 1, 92, 42)
    spectrogram = train.spectrograms[0]
    for note, found in enumerate(excerpts, start=1):
        np.testing.assert_array_equal(found[0][:, 21], spectrogram[8 * note].astype(np.float32))


def test_excerpts_are_padded_with_silence_at_both_ends():
    spectrogram = np.ones((5, 92), dtype=np.float16)
    assert excerpt(spectrogram, 0, 8)[0].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert excerpt(spectrogram, 4, 8)[0].tolist() == [1, 1, 1, 1, 1, 0, 0, 0]
    assert excerpt(spectrogram, 90, 8).max() == 0


def test_tempo_stretches_about_the_onset():
    spectrogram = np.repeat(np.arange(40, dtype=np.float32)[:, None], 92, axis=1)
    assert excerpt(spectrogram, 20, 8)[0].tolist() == [16, 17, 18, 19, 20, 21, 22, 23]
    assert excerpt(spectrogram, 20, 8, 2.0)[0].tolist() == [12, 14, 16, 18, 20, 22, 24, 26]


def test_augmentation_follows_its_generator_and_stays_small(folder):
    train = read(folder)["train"]
    plain = train.cut(range(8), 42)
    first, again, other = (
        train.cut(range(8), 42, np.random.default_rng(seed)) for seed in (1, 1, 2)
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
    pools = read_snippets(
        tmp_path / "windows.parquet",
        folder / "split.parquet",
        folder / "audio",
        folder / "sheet",
        ["train"],
    )
    assert len(pools["train"]) == 3 * NOTES


def test_of_many_windows_some_are_drawn(folder):
    files = [folder / name for name in ("windows.parquet", "split.parquet", "audio", "sheet")]
    few, fewer = (read_snippets(*files, ["train"], most)["train"] for most in (3, 2))
    assert (len(few), len(fewer)) == (3 * NOTES, 2 * NOTES)
    assert {strip.tobytes() for strip in fewer.strips} < {strip.tobytes() for strip in few.strips}
    again = read_snippets(*files, ["train"], 3)["train"]
    assert again.digest() == few.digest()


def test_number_of_shards_does_not_matter(folder, tmp_path):
    write_pairs(tmp_path, n=6, valid=2, shards=1)
    for fold, pool in read(tmp_path).items():
        other = read(folder)[fold]
        np.testing.assert_array_equal(pool.column, other.column)
        for a, b in zip(pool.strips, other.strips, strict=True):
            np.testing.assert_array_equal(a, b)


def test_spaced_pairs_reach_from_the_first_to_the_last(folder):
    pool = read(folder)["valid"]
    assert pool.spaced(3).column.tolist() == [pool.column[0], pool.column[19], pool.column[-1]]
    assert len(pool.spaced(10**6)) == len(pool)


def test_windows_without_media_are_left_out_and_an_empty_fold_is_named(folder, tmp_path):
    clips = read_table(folder / "audio", AUDIO).to_pylist()
    write_table(tmp_path / "audio" / "shard-0.parquet", AUDIO, clips[:1])
    files = (
        folder / "windows.parquet",
        folder / "split.parquet",
        tmp_path / "audio",
        folder / "sheet",
    )
    assert len(read_snippets(*files, ["train"])["train"]) == NOTES
    with pytest.raises(DataError, match="no window of the valid fold"):
        read_snippets(*files, ["valid"])


def test_a_note_without_a_head_gives_no_pair(folder, tmp_path):
    strips = read_table(folder / "sheet", SHEET).to_pylist()
    for strip in strips:
        strip["note_index"], strip["notehead_x_px"] = [3, 5], [300.0, 400.0]
    write_table(tmp_path / "shard-0.parquet", SHEET, strips)
    pools = read_snippets(
        folder / "windows.parquet", folder / "split.parquet", folder / "audio", tmp_path, ["valid"]
    )
    assert pools["valid"].column.tolist() == [150.0, 200.0] * 2
    assert pools["valid"].frame.tolist() == [24, 40] * 2


def test_halving_takes_rounded_means():
    strip = np.array([[0, 1, 255, 255, 9], [2, 3, 255, 254, 9], [9, 9, 9, 9, 9]], dtype=np.uint8)
    assert halve(strip).tolist() == [[2, 255]]


def test_crops_reach_from_end_to_end():
    assert crop_starts(150, 3).tolist() == [0, 25, 50]
    assert crop_starts(100, 4).tolist() == [0, 0, 0, 0]


def test_bad_strips_are_named():
    with pytest.raises(DataError, match="strip abc: not a readable PNG"):
        decode_strip(b"no image", "abc")
