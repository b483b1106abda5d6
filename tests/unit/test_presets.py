"""Guards the presets: each is a valid configuration, and those that share music agree on it."""

from pathlib import Path

import pytest

from ugaar import settings

ROOT = Path(__file__).resolve().parents[2]
PRESETS = {path.stem: path for path in sorted((ROOT / "config").glob("*.yaml"))}
OF_THE_MUSIC = ("source", "window", "audio", "sheet", "shards")


def merged(name):
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    return settings.load([ROOT / "config.yaml", PRESETS[name]], schema)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_valid_and_named_after_its_dataset(name):
    assert merged(name)["dataset"] == name
    assert f"--configfile config/{name}.yaml" in PRESETS[name].read_text()


@pytest.mark.parametrize("name", [name for name in PRESETS if merged(name)["music_of"]])
def test_runs_on_the_same_music_agree_on_how_it_is_made(name):
    found = merged(name)
    other = merged(found["music_of"])
    assert {key: found[key] for key in OF_THE_MUSIC} == {key: other[key] for key in OF_THE_MUSIC}


def test_vggish_is_the_experiment_of_mtm_with_other_audio_alone():
    one, other = merged("mtm"), merged("mtm-vggish")
    changed = {key for key in one if one[key] != other[key]}
    assert changed == {"dataset", "music_of", "features"}
    one["features"]["audio"] = other["features"]["audio"]
    assert one["features"] == other["features"]
    assert other["features"]["audio"]["encoder"] == "vggish"


def test_methods_are_compared_on_transfer_with_the_encoders_of_both():
    one, other = merged("mtm"), merged("lieder-released")
    for key in ("features", "encoder", "model", "cca"):
        assert one[key] == other[key]
