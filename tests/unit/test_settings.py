"""Guards the configuration: typos are named, defaults are complete, stages see only their keys."""

from pathlib import Path

import pytest

from ugaar import settings
from ugaar.errors import ConfigError
from ugaar.stages import resolve_config

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


OPEN_MAPS = {
    f"audio_sheet.{name}" for name in ("soundfonts", "renditions", "conditions", "systems")
}
"""Maps whose keys are names that the user chooses; what each name holds is described."""


def _leaves(tree, prefix=""):
    for key, value in tree.items():
        if isinstance(value, dict) and value and f"{prefix}{key}" not in OPEN_MAPS:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _schema_leaves(schema, prefix=""):
    for key, value in schema["properties"].items():
        if value.get("type") == "object" and f"{prefix}{key}" not in OPEN_MAPS:
            yield from _schema_leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}"


def _load(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    return settings.load([ROOT / "config.yaml", file], SCHEMA)


def test_default_config_and_schema_hold_the_same_keys():
    config = settings.load_yaml(ROOT / "config.yaml")
    assert set(_leaves(config)) == set(_schema_leaves(settings.load_yaml(SCHEMA)))


def test_the_schema_is_closed_and_complete_at_every_level():
    found = set()

    def visit(schema, place):
        if schema.get("type") != "object":
            return
        if place in OPEN_MAPS:
            found.add(place)
            assert schema["propertyNames"] == {"$ref": "#/$defs/name"}, place
            described = schema["additionalProperties"]
            # A system's options are those of its module, which `systems` checks.
            if place == "audio_sheet.systems":
                assert described["required"] == ["model"]
            else:
                assert described["additionalProperties"] is False, place
            return
        assert schema["additionalProperties"] is False, place
        assert sorted(schema["required"]) == sorted(schema["properties"]), place
        for key, value in schema["properties"].items():
            visit(value, f"{place}.{key}".lstrip("."))

    visit(settings.load_yaml(SCHEMA), "")
    assert found == OPEN_MAPS


def test_every_default_key_has_a_comment_above_its_group():
    lines = (ROOT / "config.yaml").read_text().splitlines()
    bare = [line for line in lines if line and not line.startswith(("#", " ")) and ":" in line]
    for line in bare:
        if line.endswith(":"):
            continue
        assert lines[lines.index(line) - 1].startswith("#"), line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "windw: {notes: 20}",
            r"mine\.yaml: unknown key 'windw'; the nearest known key is 'window'",
        ),
        ("window: {max_silence: 3}", r"'window\.max_silence'.*'window\.max_silence_s'"),
        ("window: {notes: many}", r"window\.notes: 'many' is not of type 'integer'"),
        ("split: {test_share: 1.5}", r"split\.test_share: 1\.5 is greater than"),
        ("source: {kind: midi}", r"source\.path: needed for source\.kind midi"),
        ("features: {audio: {encoder: vggish}}", r"features\.audio\.vggish\.weights"),
        ("encoder: {weights: lasagne}", r"encoder\.path: needed"),
        ("split: {valid_share: 0.6, test_share: 0.4}", "leave nothing for training"),
        ("features: {audio: {also: []}}", "cca-asmcmr needs asmcmr"),
        (
            "source: {kind: notes, path: mine}",
            r"source\.kind: notes gives pieces without lyrics.*set task: audio-sheet",
        ),
        (
            "source: {also: [{kind: tunes, path: null}]}",
            r"source\.also\.0\.kind: tunes gives pieces without lyrics",
        ),
        (
            "task: audio-sheet\nsource: {kind: notes}",
            r"source\.path: needed for source\.kind notes",
        ),
        (
            "audio_sheet: {train: [piano, bright]}",
            r"audio_sheet\.train: no 'bright' in audio_sheet\.renditions; the nearest is "
            "'bright-piano'",
        ),
        ("audio_sheet: {tested: [claen]}", r"audio_sheet\.tested: no 'claen'.*nearest is 'clean'"),
        ("audio_sheet: {trained: [dca]}", r"audio_sheet\.trained: no 'dca'.*nearest is 'dcca'"),
        ("audio_sheet: {valid: pianos}", r"audio_sheet\.valid: no 'pianos'.*nearest is 'piano'"),
        (
            "audio_sheet: {conditions: {fast: {rendition: tempo-125x}}}",
            r"audio_sheet\.conditions\.fast\.rendition: no 'tempo-125x'.*'tempo-125'",
        ),
        (
            "audio_sheet: {renditions: {harp: {soundfont: fluidr4}}}",
            r"audio_sheet\.renditions\.harp\.soundfont: no 'fluidr4'.*'fluidr3'",
        ),
        (
            "audio_sheet: {renditions: {harp: {programme: 46}}}",
            r"unknown key 'audio_sheet\.renditions\.harp\.programme'.*'audio_sheet\.renditions"
            r"\.harp\.program'",
        ),
        (
            "audio_sheet: {conditions: {Loud: {}}}",
            r"audio_sheet\.conditions: 'Loud' does not match",
        ),
        ("- a\n- b\n", "expected keys and values, found list"),
        ("window: [", "not readable as YAML"),
    ],
)
def test_mistakes_are_named(tmp_path, text, message):
    with pytest.raises(ConfigError, match=message):
        _load(tmp_path, text)


def test_every_kind_of_source_may_be_read_for_audio_and_sheet(tmp_path):
    sources = (
        "source: {kind: music21, also: [{kind: notes, path: mine}, {kind: tunes, path: null}]}"
    )
    assert _load(tmp_path, f"task: audio-sheet\n{sources}")["task"] == "audio-sheet"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.yaml: no such configuration file"):
        settings.load([tmp_path / "none.yaml"], SCHEMA)


def test_overrides_are_laid_over_level_by_level(tmp_path):
    config = _load(tmp_path, "window: {notes: 10}\nseeds: [7]\n")
    assert config["window"]["notes"] == 10
    assert config["window"]["max_silence_s"] == 4.0
    assert config["seeds"] == [7]


def test_subset_holds_just_the_named_keys():
    config = {"a": {"b": 1, "c": 2}, "d": {"e": {"f": 3}}, "g": 4}
    assert settings.subset(config, ["a.b", "d"]) == {"a": {"b": 1}, "d": {"e": {"f": 3}}}
    with pytest.raises(KeyError):
        settings.subset(config, ["a.z"])


def test_mirror_prefers_the_key_over_the_environment(monkeypatch):
    monkeypatch.setenv("UGAAR_MIRROR", "/from/environment")
    assert settings.mirror_folder({"mirror": "/from/key"}) == Path("/from/key")
    assert settings.mirror_folder({"mirror": None}) == Path("/from/environment")
    monkeypatch.delenv("UGAAR_MIRROR")
    assert settings.mirror_folder({"mirror": None}) is None


def test_the_resolved_configuration_holds_every_section():
    assert set(resolve_config.SETTINGS) == set(settings.load_yaml(ROOT / "config.yaml"))
