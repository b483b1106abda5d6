"""Guards several sources in one run, and how a source is found by its kind."""

import argparse
import importlib

import midi_files
import npy_songs
import pytest
import yaml

from ugaar import settings
from ugaar.errors import ConfigError
from ugaar.parquet_files import read_table
from ugaar.sources.kinds import KINDS, load_reader, sources_of
from ugaar.sources.needed import used_files
from ugaar.stages import ingest
from ugaar.tables import REJECTS, SONGS


@pytest.fixture
def source(request):
    root = request.config.rootpath
    return yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))["source"]


def test_own_midi_extends_a_collection(tmp_path, source):
    (tmp_path / "npy").mkdir()
    (tmp_path / "npy" / "one.npy").write_bytes(npy_songs.npy(*npy_songs.parts()))
    (tmp_path / "midi").mkdir()
    (tmp_path / "midi" / "two.mid").write_bytes(midi_files.midi_bytes(midi_files.plain_song()))
    (tmp_path / "midi" / "bad.mid").write_bytes(midi_files.truncated())
    source |= {
        "kind": "lmd-lyrics",
        "path": str(tmp_path / "npy"),
        "also": [{"kind": "midi", "path": str(tmp_path / "midi")}],
    }
    songs, rejects = tmp_path / "songs.parquet", tmp_path / "rejects.parquet"
    arguments = argparse.Namespace(shard=0, songs_out=songs, rejects_out=rejects)
    ingest.run(arguments, {"source": source, "shards": 1})
    found = {row["path"]: row["source"] for row in read_table(songs, SONGS).to_pylist()}
    assert found == {"one.npy": "lmd-lyrics", "two.mid": "midi"}
    assert read_table(rejects, REJECTS)["path"].to_pylist() == ["bad.mid"]


def test_of_files_with_one_path_the_first_source_counts_and_the_other_is_a_reject(tmp_path, source):
    for folder, count in (("first", 25), ("second", 30)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "one.npy").write_bytes(npy_songs.npy(*npy_songs.parts(count)))
    source |= {
        "kind": "lmd-lyrics",
        "path": str(tmp_path / "first"),
        "also": [{"kind": "lmd-lyrics", "path": str(tmp_path / "second")}],
    }
    songs, rejects = tmp_path / "songs.parquet", tmp_path / "rejects.parquet"
    arguments = argparse.Namespace(shard=0, songs_out=songs, rejects_out=rejects)
    ingest.run(arguments, {"source": source, "shards": 1})
    assert read_table(songs, SONGS)["n_notes"].to_pylist() == [25]
    (row,) = read_table(rejects, REJECTS).to_pylist()
    assert (row["path"], row["reason"]) == ("one.npy", "duplicate-name")
    assert "an earlier source of kind lmd-lyrics" in row["detail"]


def test_entries_of_also_share_the_other_keys(source):
    source["also"] = [{"kind": "midi", "path": "songs"}]
    main, other = sources_of(source)
    assert (main["kind"], other["kind"], other["path"]) == ("music21", "midi", "songs")
    assert {key: main[key] for key in main if key not in ("kind", "path")} == {
        key: other[key] for key in other if key not in ("kind", "path")
    }


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_reader(name):
    module = importlib.import_module(KINDS[name].module)
    assert load_reader(name) is getattr(module, KINDS[name].function)


def test_an_unknown_kind_is_named():
    with pytest.raises(ConfigError, match="known kinds are music21, midi, lmd-lyrics, musicxml"):
        load_reader("abc")


def test_a_source_without_its_path_is_named(tmp_path, request):
    root = request.config.rootpath
    mine = tmp_path / "mine.yaml"
    mine.write_text("source: {also: [{kind: musicxml, path: null}]}\n")
    with pytest.raises(ConfigError, match=r"source\.also\.0\.path: needed .* zip of your scores"):
        settings.load([root / "config.yaml", mine], root / "workflow/schemas/config.schema.yaml")


def test_files_of_every_source_count_as_used(request):
    config = settings.load_yaml(request.config.rootpath / "config.yaml")
    config["source"]["also"] = [{"kind": "musicxml", "path": "resources/lieder_mxl.zip"}]
    assert used_files(config) == {"source.also.0.path": "resources/lieder_mxl.zip"}
