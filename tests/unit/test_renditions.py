"""Renditions: tempo, transposition, program and soundfont by name; soundfonts that are not it."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pieces_for_rendering import AUDIO_SETTINGS, clips, melody

from ugaar.errors import ConfigError, ToolError
from ugaar.parquet_files import metadata_of, write_table
from ugaar.render.batch import Failure
from ugaar.render.renditions import Rendition, rendition_of
from ugaar.render.soundfont import SoundFont, default_path
from ugaar.snippet_tables import PIECE_SPLIT

PITCHES = [60, 67, 64, 72]
FONTS = AUDIO_SETTINGS["audio_sheet"]["soundfonts"]


def settings_with(renditions=None, soundfonts=None):
    sheet = AUDIO_SETTINGS["audio_sheet"]
    return {
        **AUDIO_SETTINGS,
        "audio_sheet": {
            "renditions": renditions or sheet["renditions"],
            "soundfonts": soundfonts or sheet["soundfonts"],
        },
    }


def loudest_hz(row, onset_s):
    samples, rate = soundfile.read(io.BytesIO(row["flac"]))
    part = samples[round((onset_s + 0.02) * rate) : round((onset_s + 0.18) * rate)]
    spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * rate))
    return spectrum.argmax() / 8


def semitones(hertz):
    return 69 + 12 * np.log2(hertz / 440)


@pytest.mark.parametrize(("tempo", "transpose"), [(1.0, 0), (2.0, 0), (0.5, 12)])
def test_onsets_and_pitches_are_those_of_the_rendition(tmp_path, tempo, transpose):
    row = melody("tune", PITCHES)
    settings = settings_with({"it": {"tempo": tempo, "transpose": transpose, "program": 79}})
    (found,), rejects = clips(tmp_path, [row], settings, rendition="it")
    assert rejects == []
    assert found["onset_s"] == [onset / tempo for onset in row["onset_s"]]
    assert found["duration_s"] == pytest.approx(2.0 / tempo + 0.5, abs=1e-3)
    for pitch, onset in zip(PITCHES, found["onset_s"], strict=True):
        # An ocarina, program 79, is nearly a pure tone.
        assert semitones(loudest_hz(found, onset)) == pytest.approx(pitch + transpose, abs=0.5)
    metadata = metadata_of(tmp_path / "audio" / "shard-0.parquet")
    assert metadata["rendition"] == "it"
    assert (metadata["tempo"], metadata["transpose"]) == (f"{tempo:g}", str(transpose))


def test_programs_sound_different_and_the_default_is_that_of_windows(tmp_path):
    row = melody("tune", PITCHES)
    (piano,), _ = clips(tmp_path, [row])
    (organ,), _ = clips(tmp_path, [row], rendition="organ")
    (plain,), _ = clips(tmp_path, [row], rendition=None)
    assert piano["flac"] == plain["flac"]
    assert piano["flac"] != organ["flac"]


def test_only_the_folds_asked_for(tmp_path):
    rows = [melody(name, PITCHES) for name in ("a", "b", "c")]
    split = [
        {"piece_id": row["piece_id"], "collection": "x", "group": "x", "n_onsets": 4, "fold": fold}
        for row, fold in zip(rows, ("train", "valid", "test"), strict=True)
    ]
    write_table(tmp_path / "split.parquet", PIECE_SPLIT, split)
    found, _ = clips(tmp_path, rows, split=tmp_path / "split.parquet", folds=["valid", "test"])
    assert {row["audio_key"] for row in found} == {row["audio_key"] for row in rows[1:]}
    with pytest.raises(ConfigError, match="--folds and --split"):
        clips(tmp_path, rows, folds=["test"])


def test_pitches_beyond_midi_are_rejected(tmp_path):
    settings = settings_with({"high": {"transpose": 12}})
    rows = [melody("high", [120, 110]), melody("fine", PITCHES)]
    found, rejects = clips(tmp_path, rows, settings, rendition="high")
    assert len(found) == 1
    assert [(row["path"], row["level"], row["reason"]) for row in rejects] == [
        ("high.mid", "piece", "pitch-out-of-range")
    ]
    assert "132" in rejects[0]["detail"]


def test_play_divides_times_and_keeps_the_rest():
    rendition = Rendition("x", "timgm6mb", SoundFont(Path("x"), "2.01", ""), 0, 1.25, -1)
    row = melody("tune", [1, 2])
    played = rendition.play(row)
    assert played["pitch"] == [0, 1]
    assert played["onset_s"] == [0.0, 0.4]
    assert played["duration_s"] == [0.4, 0.4]
    assert played["audio_key"] == row["audio_key"]
    assert isinstance(rendition.play(melody("low", [0])), Failure)


def test_unknown_names_show_the_nearest():
    with pytest.raises(ConfigError, match=r"no 'paino'; the nearest is 'piano'"):
        rendition_of("paino", {"piano": {}}, FONTS, 0)
    with pytest.raises(ConfigError, match=r"soundfonts: no 'fluid'; the nearest is 'fluidr3'"):
        rendition_of("it", {"it": {"soundfont": "fluid"}}, FONTS, 0)


def test_missing_soundfont_says_how_to_get_it(tmp_path):
    fonts = {**FONTS, "fluidr3": {"path": str(tmp_path / "FluidR3_GM.sf2"), "sha256": "0" * 64}}
    with pytest.raises(ToolError, match="apt-get install fluid-soundfont-gm"):
        rendition_of("it", {"it": {"soundfont": "fluidr3"}}, fonts, 0)
    # It is asked for only where it is used.
    assert rendition_of("it", {"it": {}}, fonts, 5).program == 5


def test_another_file_than_the_config_says():
    fonts = {"timgm6mb": {"path": None, "sha256": "0" * 64}}
    with pytest.raises(ToolError, match=r"sha256 is 82475b91.*timgm6mb says 0000"):
        rendition_of("it", {"it": {}}, fonts, 0)


def test_one_font_under_two_names_is_not_unseen(tmp_path):
    """A copy with another comment has another sha256 and the same samples."""
    content = bytearray(default_path().read_bytes())
    at = content.index(b"INAM") + 8
    content[at : at + 4] = b"copy"
    copy = tmp_path / "copy.sf2"
    copy.write_bytes(content)
    fonts = {
        "timgm6mb": FONTS["timgm6mb"],
        "other": {"path": str(copy), "sha256": hashlib.sha256(content).hexdigest()},
    }
    with pytest.raises(ConfigError, match="other and timgm6mb have the same samples"):
        rendition_of("it", {"it": {"soundfont": "other"}}, fonts, 0)


def test_fluidr3_sounds_unlike_timgm6mb(tmp_path):
    if not Path(FONTS["fluidr3"]["path"]).is_file():
        pytest.skip("FluidR3_GM.sf2 is not installed (Debian: fluid-soundfont-gm)")
    row = melody("tune", PITCHES)
    (known,), _ = clips(tmp_path, [row])
    (unseen,), rejects = clips(tmp_path, [row], rendition="unseen-piano")
    assert rejects == []
    assert known["onset_s"] == unseen["onset_s"]
    assert known["flac"] != unseen["flac"]
