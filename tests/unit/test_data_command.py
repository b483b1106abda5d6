"""Guards the answers to: what does this configuration need, and is it here and right?"""

import shutil
from pathlib import Path

import pytest
from fetch_sources import (
    CONTENT,
    FILES,
    git_source,
    part_source,
    url_source,
    write_files,
    write_table_of,
    write_zip,
)

from ugaar import cli
from ugaar.errors import ConfigError
from ugaar.settings import load, merge
from ugaar.sources.fetch_table import read_sources
from ugaar.sources.needed import needed_sources, used_files

ROOT = Path(__file__).parents[2]
SOURCES = read_sources(ROOT / "config" / "sources.tsv")
SONGS = git_source("http://localhost:9/songs", "0123456789" * 4)
OWN_SONGS = "source: {kind: lmd-lyrics, path: resources/songs_kept.zip}\n"


def config_with(*names, **changes):
    paths = [ROOT / "config.yaml", *(ROOT / "config" / name for name in names)]
    return merge(load(paths, ROOT / "workflow" / "schemas" / "config.schema.yaml"), changes)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working folder with the project's configuration and a table of three small sources."""
    for name in ("config.yaml", "workflow/schemas/config.schema.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    (tmp_path / "config").mkdir()
    net = url_source(name="musicnn")
    write_table_of(tmp_path / "config" / "sources.tsv", SONGS, net, part_source())
    (tmp_path / "songs.yaml").write_text(OWN_SONGS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UGAAR_MIRROR", str(tmp_path / "mirror"))
    write_files(tmp_path / "mirror", {"net.bin": CONTENT})
    write_zip(tmp_path / "mirror" / "data" / SONGS.file, FILES)
    return tmp_path


def data(*arguments):
    return cli.main(["data", *arguments])


@pytest.mark.parametrize(
    ("preset", "needed"),
    [
        ([], ["musicnn"]),
        (["lieder.yaml"], ["openscore-lieder", "musicnn"]),
        (
            ["mtm.yaml"],
            ["lmd-lyrics", "musicnn", "skipgram-syllable", "skipgram-word", "asmcmr"],
        ),
        (["nottingham.yaml"], ["nottingham"]),
        (["folk.yaml"], []),
        (["shingles.yaml"], ["chroma-cens"]),
    ],
)
def test_presets_need_their_collections_and_models(preset, needed):
    assert needed_sources(config_with(*preset), SOURCES) == needed


def test_set_but_unused_files_are_not_needed():
    mtm = config_with("mtm.yaml")
    trained = merge(mtm, {"encoder": {"weights": "trained"}})
    trained = merge(trained, {"features": {"lyrics": {"model": "trained"}}})
    trained = merge(trained, {"features": {"audio": {"encoder": "asmcmr"}}})
    assert used_files(trained) == {"source.path": "resources/lmd_lyrics.zip"}
    assert needed_sources(trained, SOURCES) == ["lmd-lyrics"]


def test_vggish_and_its_parameters_are_needed_where_used():
    files = {
        "weights": "resources/vggish-10086976.pth",
        "pca": "resources/vggish_pca_params-970ea276.pth",
    }
    vggish = {"audio": {"encoder": "vggish", "vggish": files}}
    assert needed_sources(config_with(features=vggish), SOURCES) == ["vggish", "vggish-pca"]
    assert needed_sources(config_with(features={"audio": {"vggish": files}}), SOURCES) == [
        "musicnn"
    ]


def test_own_files_are_nobodys_source():
    own = config_with(source={"kind": "midi", "path": "/home/me/lmd_lyrics.zip"})
    assert used_files(own) == {"source.path": "/home/me/lmd_lyrics.zip"}
    assert needed_sources(own, SOURCES) == ["musicnn"]


def test_path_in_resources_that_no_source_has_names_the_nearest():
    wrong = config_with(source={"kind": "lmd-lyrics", "path": "./resources/lmd_lyric.zip"})
    with pytest.raises(ConfigError, match=r"source\.path.*nearest is resources/lmd_lyrics\.zip"):
        needed_sources(wrong, SOURCES)


def test_list_shows_every_source_with_state_size_and_licence(project, capsys):
    assert data("list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["source", "state", "needed", "size", "licence", "file"]
    row = "songs missing no 0.0 MB CC0-1.0 resources/songs_kept.zip"
    assert lines[1].split() == row.split()
    assert lines[2].split()[:3] == ["musicnn", "missing", "yes"]
    assert len({line.index(" resources/") for line in lines[1:4]}) == 1
    assert "  musicnn, list: A. Author: A network. 2020" in lines
    assert any(line.startswith("not here: musicnn (missing)") for line in lines)


def test_fetch_gets_what_is_needed_and_verify_agrees(project, capsys):
    assert data("verify", "--config", "songs.yaml") == 1
    assert data("fetch", "--config", "songs.yaml") == 0
    assert sorted(path.name for path in Path("resources").iterdir()) == [
        "net.bin",
        "songs_kept.zip",
    ]
    capsys.readouterr()
    assert data("verify", "--config", "songs.yaml") == 0
    out = capsys.readouterr().out
    assert out.endswith("everything needed is here\n")
    assert "list" not in out


def test_fetch_by_name_gets_that_alone(project):
    assert data("fetch", "list") == 0
    assert [path.name for path in Path("resources").iterdir()] == ["list.bin"]
    assert data("verify", "list") == 0
    assert data("verify", "songs") == 1


def test_changed_file_is_reported_and_replaced(project, capsys):
    assert data("fetch", "--config", "songs.yaml") == 0
    write_zip(Path("resources/songs_kept.zip"), FILES | {"list.json": b"[]"})
    Path("resources/net.bin").write_bytes(CONTENT[:-1])
    capsys.readouterr()
    assert data("verify", "--config", "songs.yaml") == 1
    out = capsys.readouterr().out
    assert "not here: songs (changed), musicnn (changed)" in out
    assert "the digest of its files is" in out
    assert "wrong checksum" in out
    assert data("list", "--config", "songs.yaml") == 0
    assert data("fetch", "--config", "songs.yaml") == 0
    assert data("verify", "--config", "songs.yaml") == 0


def test_one_source_that_cannot_be_had_does_not_keep_the_others(project, caplog):
    (project / "mirror" / "data" / SONGS.file).write_bytes(b"changed")
    assert data("fetch", "--config", "songs.yaml") == 1
    assert Path("resources/net.bin").read_bytes() == CONTENT
    assert not Path("resources/songs_kept.zip").exists()
    assert "songs: " in caplog.text
    assert "no zip archive" in caplog.text


def test_nothing_needed_is_said(project, capsys):
    (project / "own.yaml").write_text("features: {audio: {encoder: asmcmr}}\n")
    assert data("verify", "--config", "own.yaml") == 0
    assert "nothing that is fetched" in capsys.readouterr().out


def test_unknown_name_is_wrong_usage(project, caplog):
    assert data("verify", "lmd") == 2
    assert "no source named 'lmd'" in caplog.text
