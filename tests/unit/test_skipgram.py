"""Guards the lyrics features: what is a word, what is unknown, and that training repeats itself."""

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ugaar import cli
from ugaar.errors import ConfigError, DataError
from ugaar.features import skipgram_published
from ugaar.features.skipgram import LyricsEncoder, Vocabulary, sentences, train, words_in_order
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.settings import as_text
from ugaar.tables import FEATURES_LYRICS, SKIPGRAM, SPLIT, WINDOWS

LYRICS = {
    "model": "trained",
    "dimensions": 4,
    "window": 5,
    "negative": 5,
    "min_count": 2,
    "epochs": 3,
    "alpha": 0.03,
    "min_alpha": 0.0007,
    "unknown": "zero",
    "syllable_model": None,
    "word_model": None,
}
TEXT = [["la", "mi", "la", "so"] * 5, ["mi", "so", "mi", "fa"] * 5, ["rare"]]


@pytest.mark.parametrize(
    ("syllables", "words", "expected"),
    [
        (["ho", "ly", "night"], ["holy", "holy", "night"], ["holy", "night"]),
        (["no", "no", "no"], ["no", "no", "no"], ["no", "no", "no"]),
        (["ma", "ma", "ma", "ma"], ["mama"] * 4, ["mama", "mama"]),
        # The window starts inside a word: its rest still is that word, once.
        (["ly", "night"], ["holy", "night"], ["holy", "night"]),
        # An elision sounds shorter than it is written.
        (["glor", "ja", "in"], ["gloria", "gloria", "in"], ["gloria", "in"]),
        ([], [], []),
    ],
)
def test_words_are_counted_once(syllables, words, expected):
    assert words_in_order(syllables, words) == expected


def test_sentences_join_the_windows_of_a_song_in_order():
    windows = [
        {"song_id": "b", "index": 0, "syllable": ["x"], "word": ["x"]},
        {"song_id": "a", "index": 1, "syllable": ["ly"], "word": ["holy"]},
        {"song_id": "a", "index": 0, "syllable": ["oh", "ho"], "word": ["oh", "holy"]},
    ]
    assert sentences(windows) == ([["oh", "ho", "ly"], ["x"]], [["oh", "holy"], ["x"]])


def test_training_repeats_itself_to_the_byte():
    first, second = train(TEXT, LYRICS, "syllable"), train(TEXT, LYRICS, "syllable")
    assert first.tokens == second.tokens
    assert dict(zip(first.tokens, first.counts, strict=True)) == {
        "mi": 15,
        "la": 10,
        "so": 10,
        "fa": 5,
    }
    assert first.vectors.tobytes() == second.vectors.tobytes()
    assert first.vectors.shape == (4, 4)


def test_every_epoch_is_reported():
    calls = []
    train(TEXT, LYRICS, "syllable", lambda: calls.append(1))
    assert len(calls) == 3


def test_tokens_that_share_company_come_to_lie_close():
    text = [["do", "re", "do", "re"], ["x", "y", "x", "y"]] * 40
    model = train(text, {**LYRICS, "dimensions": 10, "epochs": 60, "negative": 3}, "word")
    unit = model.vectors / np.linalg.norm(model.vectors, axis=1, keepdims=True)
    row = model.rows()
    near = unit[row["do"]] @ unit[row["re"]]
    far = unit[row["do"]] @ unit[row["x"]]
    assert near > far


def test_too_small_a_text_names_the_key():
    with pytest.raises(DataError, match=r"features\.lyrics\.min_count"):
        train([["once"], ["here"]], LYRICS, "word")


SYLLABLES = Vocabulary(("ho", "ly"), (3, 2), np.float32([[1, 2], [3, 4]]))
WORDS = Vocabulary(("holy", "I", "i", "It"), (2, 2, 1, 1), np.float32([[5], [7], [8], [16]]))


@pytest.mark.parametrize(
    ("unknown", "syllable", "word"), [("zero", [0, 0], 0), ("mean", [2, 3], 9)]
)
def test_codes_are_syllable_then_word_and_unknown_ones_are_counted(unknown, syllable, word):
    encoder = LyricsEncoder(SYLLABLES, WORDS, unknown)
    codes, counts = encoder.encode(["ho", "ly", "fa"], ["holy", "xx", "yy"])
    assert encoder.dimensions == 3
    assert codes.dtype == np.float32
    assert codes.tolist() == [[1, 2, 5], [3, 4, word], [*syllable, word]]
    assert counts == (1, 2)


def test_capital_spellings_serve_lower_case_lyrics():
    encoder = LyricsEncoder(SYLLABLES, WORDS, "zero")
    codes, counts = encoder.encode(["ho", "ho"], ["it", "i"])
    assert codes[:, 2].tolist() == [16, 8]
    assert counts == (0, 0)


def test_unknown_rule_names_the_key():
    with pytest.raises(ConfigError, match=r"features\.lyrics\.unknown"):
        LyricsEncoder(SYLLABLES, WORDS, "skip")


@pytest.mark.parametrize(
    ("name", "tokens", "known", "start"),
    [
        ("wordLevelEncoder", 20268, "love", [-0.08729718, -0.11972886]),
        ("syllEncoding", 20934, "love", None),
    ],
)
def test_published_models_load_without_gensim_3(tmp_path, name, tokens, known, start):
    mirror = os.environ.get("UGAAR_MIRROR")
    if not mirror:
        pytest.skip("UGAAR_MIRROR is not set: no copy of the published skip-gram models")
    member = f"Skip-gram_lyric_encoders/{name}_skipgram_2019_05_22_10_dim.bin"
    with zipfile.ZipFile(Path(mirror) / "data" / "lmd_lyrics.zip") as archive:
        path = Path(archive.extract(member, tmp_path))
    model = skipgram_published.load(path)
    assert model.vectors.shape == (tokens, 10)
    assert len(model.tokens) == len(set(model.tokens)) == len(model.counts) == tokens
    assert list(model.counts) == sorted(model.counts, reverse=True)
    if start:
        np.testing.assert_allclose(model.vectors[model.rows()[known]][:2], start, atol=1e-8)


class _Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


def test_hostile_model_is_refused(tmp_path):
    (tmp_path / "model.bin").write_bytes(pickle.dumps(_Hostile(tmp_path / "ran"), 2))
    with pytest.raises(DataError, match=r"model\.bin.*system"):
        skipgram_published.load(tmp_path / "model.bin")
    assert not (tmp_path / "ran").exists()


def test_other_pickles_are_no_models(tmp_path):
    (tmp_path / "model.bin").write_bytes(pickle.dumps({"wv": 1}))
    with pytest.raises(DataError, match="no word vectors of gensim 3"):
        skipgram_published.load(tmp_path / "model.bin")


def write_inputs(folder, n=6):
    """Write windows and split tables: n songs of one window, the last in the test fold."""
    neutral = {"string": "", "list": [], "int": 0, "double": 0.0}
    windows, split = [], []
    for number in reversed(range(n)):
        row = {
            column.name: neutral[
                next(kind for kind in neutral if str(column.type).startswith(kind))
            ]
            for column in WINDOWS.columns
        }
        last = number == n - 1
        row.update(
            window_id=f"{number:04d}-0",
            song_id=f"{number:04d}",
            syllable=["ho", "ly", "zz" if last else "la"] * 6 + ["ho", "ho"],
            word=["holy", "holy", "zz" if last else "la"] * 6 + ["ho", "ho"],
        )
        windows.append(row)
        split.append(
            {
                "window_id": row["window_id"],
                "song_id": row["song_id"],
                "collection": "",
                "group": row["song_id"],
                "group_size": 1,
                "fold": "test" if last else "train",
                "protocol": "song-disjoint",
            }
        )
    write_table(folder / "windows.parquet", WINDOWS, windows)
    write_table(folder / "split.parquet", SPLIT, split)


def run_stage(folder, **changes):
    return cli.main(
        [
            "features-lyrics",
            *("--settings", as_text({"features": {"lyrics": {**LYRICS, **changes}}})),
            *("--windows", str(folder / "windows.parquet")),
            *("--split", str(folder / "split.parquet")),
            *("--out", str(folder / "lyrics.parquet")),
            *("--model-out", str(folder / "skipgram.parquet")),
        ]
    )


def test_stage_trains_on_the_training_fold_and_encodes_all(tmp_path):
    write_inputs(tmp_path)
    assert run_stage(tmp_path) == 0
    features = read_table(tmp_path / "lyrics.parquet", FEATURES_LYRICS).to_pylist()
    model = read_table(tmp_path / "skipgram.parquet", SKIPGRAM).to_pylist()
    assert [row["window_id"] for row in features] == [f"{number:04d}-0" for number in range(6)]
    assert "zz" not in {row["token"] for row in model}
    assert [row["n_unknown_syllables"] for row in features] == [0, 0, 0, 0, 0, 6]
    assert [row["n_unknown_words"] for row in features] == [0, 0, 0, 0, 0, 6]
    vector = {(row["level"], row["token"]): row["embedding"] for row in model}
    codes = np.reshape(features[0]["codes"], (20, 8))
    assert codes[1].tolist() == vector["syllable", "ly"] + vector["word", "holy"]
    np.testing.assert_allclose(features[0]["embedding"], codes.mean(axis=0), atol=1e-7)
    counts = {row["token"]: row["count"] for row in model if row["level"] == "word"}
    assert counts == {"holy": 30, "la": 30, "ho": 10}
    assert metadata_of(tmp_path / "lyrics.parquet")["encoder"] == "skip-gram (trained)"


def test_stage_writes_the_same_bytes_twice(tmp_path):
    write_inputs(tmp_path)
    names = ("lyrics.parquet", "skipgram.parquet")
    run_stage(tmp_path)
    first = [(tmp_path / name).read_bytes() for name in names]
    run_stage(tmp_path)
    assert [(tmp_path / name).read_bytes() for name in names] == first


def test_stage_needs_both_published_models(tmp_path, caplog):
    write_inputs(tmp_path)
    assert run_stage(tmp_path, model="published", word_model="x.bin") == 2
    assert "syllable_model and word_model" in caplog.text


def test_stage_names_a_window_without_a_fold(tmp_path, caplog):
    write_inputs(tmp_path)
    split = read_table(tmp_path / "split.parquet", SPLIT)
    write_table(tmp_path / "split.parquet", SPLIT, split.slice(1))
    assert run_stage(tmp_path) == 1
    assert "lacks 1 windows, such as 0005-0" in caplog.text
    assert not (tmp_path / "lyrics.parquet").exists()
