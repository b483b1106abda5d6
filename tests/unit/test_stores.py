"""Stores of strips and spectrograms: rows, order, noise, pools read from them, bad input."""

import argparse
import io
import json

import numpy as np
import pytest
import soundfile
from PIL import Image
from rendered_pairs import RATE_HZ, draw_strip, sound

from ugaar.errors import ConfigError, DataError
from ugaar.features.audio_clips import decode
from ugaar.features.media_store import Layout, open_store, write_store
from ugaar.features.noise import with_noise
from ugaar.features.spectrogram import FRONT_ENDS, log_spectrogram
from ugaar.features.strips import halve
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.snippet_tables import (
    PIECE_SPLIT,
    PIECES,
    SNIPPETS,
    SPECTROGRAM_INDEX,
    STRIP_INDEX,
)
from ugaar.stages import store_spectrograms, store_strips
from ugaar.tables import AUDIO, SHEET
from ugaar.train.pair_pool import Shape, read_pool

NOTES = 12
SHAPE = Shape(80, 100, 42)


def write_pieces(folder, n=5, shards=2, tempo=1.0, names=("audio", "sheet")):
    """Write tables of melodies; the last piece has the content of the first."""
    random = np.random.default_rng(3)
    pieces, split, snippets, audio, sheet = [], [], [], [], []
    for number in range(n):
        name = f"{n - number:012x}"  # pieces and keys sort the other way round
        pitches = random.integers(60, 73, NOTES)
        clip, onsets = sound(pitches, 0.4 / tempo)
        strip, centres = draw_strip(pitches, 30 + number)
        flac, png = io.BytesIO(), io.BytesIO()
        soundfile.write(flac, clip, RATE_HZ, format="FLAC")
        Image.fromarray(strip).save(png, format="PNG")
        copied = n - 1 if number == n - 1 else None
        key = f"{0 if copied else number:02x}"
        empty = {c.name: [] for c in PIECES.columns if str(c.type).startswith("list")}
        zero = {c.name: 0 for c in PIECES.columns if str(c.type).startswith("int")}
        text = {c.name: "" for c in PIECES.columns if c.type == "string"}
        pieces.append(
            empty | zero | text | {"piece_id": name, "audio_key": f"a{key}", "sheet_key": f"5{key}"}
        )
        fold = "test" if number >= n - 2 else "train"
        split.append(
            {"piece_id": name, "collection": "x", "group": name, "n_onsets": NOTES, "fold": fold}
        )
        for note in range(NOTES):
            snippets.append(
                {
                    "piece_id": name,
                    "note": note,
                    "fold": fold,
                    "onset_s": 0.4 * note,
                    "frame_20fps": 8 * note,
                    "frame_31fps": int(np.ceil(12.5 * note)),
                    "x_px": float(centres[note]) if not copied else 108.0 + 30 * note,
                    "twin_3": 0,
                    "twin_5": 0,
                    "twin_8": 0,
                }
            )
        if copied:
            continue
        audio.append(
            {
                "audio_key": f"a{key}",
                "flac": flac.getvalue(),
                "sample_rate_hz": RATE_HZ,
                "n_samples": len(clip),
                "duration_s": len(clip) / RATE_HZ,
                "onset_s": onsets.tolist(),
                "rms": 0.1,
                "peak": 0.4,
                "flatness": 0.0,
            }
        )
        sheet.append(
            {
                "sheet_key": f"5{key}",
                "png": png.getvalue(),
                "width_px": strip.shape[1],
                "height_px": 160,
                "staff_y_px": 80.0,
                "note_index": list(range(NOTES)),
                "notehead_x_px": centres.tolist(),
            }
        )
    write_table(folder / "pieces.parquet", PIECES, pieces)
    write_table(folder / "split.parquet", PIECE_SPLIT, split)
    write_table(folder / "snippets.parquet", SNIPPETS, snippets)
    played = {"rendition": names[0], "tempo": f"{tempo:g}"}
    for shard in range(shards):
        name = f"shard-{shard}.parquet"
        write_table(folder / names[0] / name, AUDIO, audio[shard::shards], metadata=played)
        write_table(folder / names[1] / name, SHEET, sheet[shard::shards])


def run(stage, *words):
    parser = argparse.ArgumentParser()
    stage.add_arguments(parser)
    stage.run(parser.parse_args([str(word) for word in words]), {})


def store(folder, front_end="20fps", audio="audio", name="all", more=()):
    files = ("--out", folder / f"s-{name}.npy", "--index-out", folder / f"s-{name}.parquet")
    pieces = ("--pieces", folder / "pieces.parquet", *more)
    run(store_strips, *pieces, "--sheet", folder / "sheet", *files)
    files = ("--out", folder / f"a-{name}.npy", "--index-out", folder / f"a-{name}.parquet")
    where = ("--audio", folder / audio, "--front-end", front_end)
    run(store_spectrograms, *pieces, *where, *files)


def pool_of(folder, fold="train", front_end="20fps", names=("all",)):
    return read_pool(
        folder / "snippets.parquet",
        folder / f"s-{names[0]}.npy",
        folder / f"s-{names[0]}.parquet",
        [(folder / f"a-{name}.npy", folder / f"a-{name}.parquet") for name in names],
        fold,
        front_end,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pieces")
    write_pieces(folder)
    store(folder)
    return folder


def test_rows_are_the_halved_strips_and_the_spectrograms(folder):
    strips = open_store(folder / "s-all.npy", folder / "s-all.parquet", STRIP_INDEX)
    clips = open_store(folder / "a-all.npy", folder / "a-all.parquet", SPECTROGRAM_INDEX)
    assert isinstance(strips.rows, np.memmap)
    assert (strips.rows.dtype, clips.rows.dtype) == (np.uint8, np.float16)
    sheets = {
        row["sheet_key"]: row["png"] for row in read_table(folder / "sheet", SHEET).to_pylist()
    }
    sounds = {
        row["audio_key"]: row["flac"] for row in read_table(folder / "audio", AUDIO).to_pylist()
    }
    for piece in read_table(folder / "pieces.parquet", PIECES).to_pylist():
        (first,), (stop,) = strips.rows_of(np.array([piece["piece_id"]]))
        strip = np.asarray(Image.open(io.BytesIO(sheets[piece["sheet_key"]])))
        np.testing.assert_array_equal(strips.rows[first:stop], halve(strip).T)
        (first,), (stop,) = clips.rows_of(np.array([piece["piece_id"]]))
        clip = log_spectrogram(*decode(sounds[piece["audio_key"]], "x")).astype(np.float16)
        np.testing.assert_array_equal(clips.rows[first:stop], clip)


def test_equal_pieces_share_their_rows(folder):
    index = read_table(folder / "s-all.parquet", STRIP_INDEX).to_pylist()
    first = {row["piece_id"]: (row["first_row"], row["n_rows"]) for row in index}
    assert len(index) == 5
    assert first[f"{1:012x}"] == first[f"{5:012x}"]
    assert len(np.load(folder / "s-all.npy")) == sum(n for _, n in set(first.values()))


def test_files_do_not_depend_on_the_shards(folder, tmp_path):
    write_pieces(tmp_path, shards=1)
    store(tmp_path)
    for name in ("s-all.npy", "s-all.parquet", "a-all.npy"):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()


def test_some_folds_alone_are_stored(folder):
    store(folder, name="test", more=("--split", folder / "split.parquet", "--folds", "test"))
    index = read_table(folder / "a-test.parquet", SPECTROGRAM_INDEX)
    assert index["piece_id"].to_pylist() == [f"{1:012x}", f"{2:012x}"]
    assert len(pool_of(folder, "test", names=("test",))) == 2 * NOTES
    with pytest.raises(DataError, match="no snippet of the train fold"):
        pool_of(folder, "train", names=("test",))
    with pytest.raises(ConfigError, match="--folds needs --split"):
        store(folder, more=("--folds", "test"))


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_pools_from_disk_put_notehead_and_onset_in_the_middle(folder, front_end):
    store(folder, front_end, name=front_end)
    pool = pool_of(folder, front_end=front_end, names=(front_end,))
    assert len(pool) == 3 * NOTES
    assert pool.note.tolist() == list(range(NOTES)) * 3
    assert pool.piece_id.tolist() == np.repeat([f"{n:012x}" for n in (3, 4, 5)], NOTES).tolist()
    snippets = read_table(folder / "snippets.parquet", SNIPPETS).to_pylist()
    frames = {(row["piece_id"], row["note"]): row[f"frame_{front_end}"] for row in snippets}
    found = zip(pool.piece_id, pool.note, pool.frame[0], strict=True)
    assert all(frames[piece, note] == frame for piece, note, frame in found)
    crops, excerpts = pool.cut(range(len(pool)), SHAPE)
    assert excerpts.shape == (len(pool), 1, FRONT_ENDS[front_end].n_bins, 42)
    for crop in crops[:, 0]:
        dark = (crop[:, 44:57] < 0.5).sum(axis=0) > 3
        assert abs(np.flatnonzero(dark).mean() + 44 - 49.5) <= 1.0
    rows = np.load(folder / f"a-{front_end}.npy")[pool.frame_first[0] + pool.frame[0]]
    np.testing.assert_array_equal(excerpts[:, 0, :, 21], rows.astype(np.float32))


def test_a_rendition_at_another_tempo_has_its_onsets_elsewhere(folder):
    write_pieces(folder, tempo=0.5, names=("slow", "sheet"))
    store(folder, audio="slow", name="slow")
    assert metadata_of(folder / "a-slow.parquet")["tempo"] == "0.5"
    pool = pool_of(folder, names=("all", "slow"))
    np.testing.assert_array_equal(pool.frame[1], 2 * pool.frame[0])
    np.testing.assert_array_equal(
        pool.frame_stop[1] - pool.frame_first[1], 2 * (pool.frame_stop[0] - pool.frame_first[0])
    )


def test_digests_follow_the_stored_contents(folder, tmp_path):
    first = pool_of(folder).digest()
    assert pool_of(folder).digest() == first
    write_pieces(tmp_path)
    strips = read_table(tmp_path / "sheet", SHEET).to_pylist()
    for file in (tmp_path / "sheet").iterdir():
        file.unlink()
    image = np.asarray(Image.open(io.BytesIO(strips[0]["png"]))).copy()
    image[:2, :2] = 0
    png = io.BytesIO()
    Image.fromarray(image).save(png, format="PNG")
    strips[0]["png"] = png.getvalue()
    write_table(tmp_path / "sheet" / "shard-0.parquet", SHEET, strips)
    store(tmp_path)
    assert pool_of(tmp_path).digest() != first


def test_noise_has_its_level_and_its_own_seed():
    clip = np.sin(np.arange(100_000) / 7).astype(np.float32)
    noise = with_noise(clip, 10.0, "a") - clip
    assert 10 * np.log10((clip**2).mean() / (noise**2).mean()) == pytest.approx(10.0, abs=0.1)
    np.testing.assert_array_equal(with_noise(clip, 10.0, "a") - clip, noise)
    assert abs(np.corrcoef(noise, with_noise(clip, 10.0, "b") - clip)[0, 1]) < 0.02
    quieter = with_noise(clip, 20.0, "a") - clip
    np.testing.assert_allclose(quieter, noise / np.sqrt(10), atol=1e-6)
    assert (with_noise(np.zeros(10, "f4"), 10.0, "a") == 0).all()


def test_noise_is_stored(folder):
    files = ("--out", folder / "n.npy", "--index-out", folder / "n.parquet", "--noise-db", 10)
    where = ("--pieces", folder / "pieces.parquet", "--audio", folder / "audio")
    run(store_spectrograms, *where, "--front-end", "20fps", *files)
    plain, noisy = (np.load(folder / name).astype(np.float32) for name in ("a-all.npy", "n.npy"))
    assert noisy.mean() > 1.5 * plain.mean()
    assert metadata_of(folder / "n.parquet")["noise_db"] == "10"


def test_silent_audio_is_stored_as_silence(tmp_path):
    write_pieces(tmp_path, n=2, shards=1)
    clips = read_table(tmp_path / "audio", AUDIO).to_pylist()
    flac = io.BytesIO()
    soundfile.write(flac, np.zeros(clips[0]["n_samples"], "f4"), RATE_HZ, format="FLAC")
    clips[0]["flac"] = flac.getvalue()
    write_table(tmp_path / "audio" / "shard-0.parquet", AUDIO, clips)
    store(tmp_path, more=())
    assert (np.load(tmp_path / "a-all.npy") == 0).all()


def test_media_that_cannot_be_stored_are_named(folder, tmp_path):
    write_pieces(tmp_path, shards=1)
    strips = read_table(tmp_path / "sheet", SHEET).to_pylist()
    png = io.BytesIO()
    Image.fromarray(np.zeros((160, 1), np.uint8)).save(png, format="PNG")
    strips[1] |= {"png": png.getvalue(), "width_px": 1}
    write_table(tmp_path / "sheet" / "shard-0.parquet", SHEET, strips)
    with pytest.raises(DataError, match="strip 501: 1 x 160 px"):
        store(tmp_path)
    assert not (tmp_path / "s-all.npy").exists()
    clips = read_table(tmp_path / "audio", AUDIO).to_pylist()
    clips[0]["n_samples"] += 22050
    write_table(folder / "long" / "shard-0.parquet", AUDIO, clips)
    with pytest.raises(DataError, match=r"a00 has shape .* expected .* render it again"):
        store(folder, audio="long", name="long")
    write_table(folder / "none" / "shard-0.parquet", AUDIO, [])
    with pytest.raises(DataError, match="no medium of 5 pieces"):
        store(folder, audio="none", name="none")


def test_shards_of_two_renditions_are_refused(tmp_path):
    write_pieces(tmp_path, shards=1)
    clips = read_table(tmp_path / "audio", AUDIO)
    other = {"rendition": "slow", "tempo": "0.5"}
    write_table(tmp_path / "audio" / "shard-1.parquet", AUDIO, clips, metadata=other)
    with pytest.raises(DataError, match="several renditions"):
        store(tmp_path)


def test_stores_that_do_not_fit_are_refused(folder, tmp_path):
    store(folder, "31fps", name="other")
    with pytest.raises(DataError, match="front end 31fps, but 20fps is needed"):
        pool_of(folder, names=("other",))
    np.save(tmp_path / "short.npy", np.load(folder / "s-all.npy")[:-1])
    with pytest.raises(DataError, match=r"rows, but .* lists"):
        open_store(tmp_path / "short.npy", folder / "s-all.parquet", STRIP_INDEX)
    (tmp_path / "text.npy").write_text(json.dumps("no array"))
    with pytest.raises(DataError, match=r"not a readable \.npy file"):
        open_store(tmp_path / "text.npy", folder / "s-all.parquet", STRIP_INDEX)
    with pytest.raises(DataError, match="missing; run the stage"):
        open_store(tmp_path / "none.npy", folder / "s-all.parquet", STRIP_INDEX)


def test_a_medium_given_twice_or_not_at_all_is_refused(tmp_path):
    layout = Layout({"k": 3, "l": 2}, {"p": "k", "q": "l"}, 80, np.uint8)
    rows = np.zeros((3, 80), np.uint8)
    for media, message in (([("k", rows)] * 2, "once"), ([("k", rows)], "no medium of")):
        files = (tmp_path / "x.npy", tmp_path / "x.parquet")
        with pytest.raises(DataError, match=message):
            write_store(*files, STRIP_INDEX, layout, media, {})
    assert not list(tmp_path.iterdir())
