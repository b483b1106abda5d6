"""Guards against wrong, damaged or dangerous copies, and against looking past a changed one."""

import os
import shutil
import stat
import zipfile
from pathlib import Path

import pytest
from fetch_sources import (
    CONTENT,
    FILES,
    HASTY,
    NO_SUCH_SERVER,
    OTHERS,
    commit_all,
    git,
    git_source,
    make_repository,
    part_source,
    read_zip,
    url_source,
    write_files,
    write_zip,
)

from ugaar.errors import DataError
from ugaar.features import skipgram_published
from ugaar.sources.fetch import difference, fetch
from ugaar.sources.fetch_table import read_sources

COMMIT = "0123456789" * 4
SONGS = git_source("http://localhost:9/songs", COMMIT)
PART = part_source()
TABLE = {row.name: row for row in (SONGS, PART)}
SHIPPED = Path(__file__).parents[2] / "config" / "sources.tsv"


def get(source, tmp_path, mirror):
    out = tmp_path / "out" / source.file
    fetch(source, out, mirror, TABLE, HASTY)
    assert os.listdir(out.parent) == [source.file]
    return read_zip(out) if source.kind == "git" else out.read_bytes()


def get_fails(source, tmp_path, mirror):
    out = tmp_path / "out" / source.file
    with pytest.raises(DataError) as caught:
        fetch(source, out, mirror, TABLE, HASTY)
    assert not out.exists()
    return str(caught.value)


@pytest.mark.parametrize("folder", ["", "data", "weights"])
@pytest.mark.parametrize("kind", ["url", "pypi"])
def test_file_in_a_mirror_is_taken_first(tmp_path, folder, kind):
    write_files(tmp_path / "mirror" / folder, {"net.bin": CONTENT})
    address = {"url": NO_SUCH_SERVER, "pypi": "no-such-package"}[kind]
    source = url_source(kind=kind, address=address)
    assert get(source, tmp_path, tmp_path / "mirror") == CONTENT


def test_single_file_as_mirror_serves_the_source_of_its_name(tmp_path):
    write_files(tmp_path, {"net.bin": CONTENT})
    assert get(url_source(), tmp_path, tmp_path / "net.bin") == CONTENT
    other = url_source(file="other.bin")
    assert "net.bin has no other.bin" in get_fails(other, tmp_path, tmp_path / "net.bin")


def test_changed_file_under_the_same_name_is_never_used_nor_passed_over(tmp_path):
    write_files(tmp_path / "mirror", {"net.bin": CONTENT[::-1]})
    message = get_fails(url_source(), tmp_path, tmp_path / "mirror")
    assert "mirror/net.bin: wrong checksum" in message
    assert "not available" not in message


@pytest.mark.parametrize("folder", ["", "data"])
def test_archive_is_kept_as_it_is_packed(tmp_path, folder):
    archive = write_zip(tmp_path / "mirror" / folder / SONGS.file, FILES)
    assert get(SONGS, tmp_path, tmp_path / "mirror") == FILES
    assert (tmp_path / "out" / SONGS.file).read_bytes() == archive.read_bytes()


def test_other_files_of_an_archive_are_left_out(tmp_path):
    write_zip(tmp_path / "mirror" / SONGS.file, FILES | OTHERS)
    assert get(SONGS, tmp_path, tmp_path / "mirror") == FILES


@pytest.mark.parametrize("name", [SONGS.file, "any name.zip"])
def test_single_archive_as_mirror(tmp_path, name):
    write_zip(tmp_path / name, FILES | OTHERS)
    assert get(SONGS, tmp_path, tmp_path / name) == FILES
    assert get(PART, tmp_path / "b", tmp_path / name) == FILES["list.json"]


def test_single_archive_of_something_else_is_no_mirror(tmp_path):
    write_zip(tmp_path / "other.zip", OTHERS)
    message = get_fails(SONGS, tmp_path, tmp_path / "other.zip")
    assert "other.zip has no songs_kept.zip" in message
    assert "list.bin" in get_fails(PART, tmp_path, tmp_path / "other.zip")


def test_mirror_lacking_files_is_an_error_with_both_counts(tmp_path):
    fewer = {name: content for name, content in FILES.items() if name != "songs/a.npy"}
    write_zip(tmp_path / "mirror" / SONGS.file, fewer)
    message = get_fails(SONGS, tmp_path, tmp_path / "mirror")
    assert "3 files of 10 bytes, expected 4 of 13" in message


def test_changed_member_of_the_same_size_is_found(tmp_path):
    write_zip(tmp_path / "mirror" / SONGS.file, FILES | {"songs/a.npy": b"ONE"})
    assert "the digest of its files is" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


def test_renamed_member_is_found(tmp_path):
    files = {name.replace("a.npy", "A.npy"): content for name, content in FILES.items()}
    write_zip(tmp_path / "mirror" / SONGS.file, files)
    assert "the digest of its files is" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


@pytest.mark.parametrize(
    "name",
    ["../evil.npy", "songs/../../evil.npy", "/evil.npy", "songs\\..\\evil.npy", "C:/e", "a//b"],
)
@pytest.mark.parametrize("source", [SONGS, PART], ids=["archive", "member"])
def test_archive_with_a_dangerous_name_is_refused(tmp_path, name, source):
    write_zip(tmp_path / "mirror" / SONGS.file, FILES | {name: b"evil"})
    message = get_fails(source, tmp_path, tmp_path / "mirror")
    assert "leads out of its folder" in message
    assert not list(tmp_path.rglob("evil*"))


def test_archive_with_a_link_is_refused(tmp_path):
    archive = write_zip(tmp_path / "mirror" / SONGS.file, FILES)
    with zipfile.ZipFile(archive, "a") as file:
        link = zipfile.ZipInfo("songs/link.npy")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
    assert "is a link" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


def test_archive_with_a_name_twice_is_refused(tmp_path):
    archive = write_zip(tmp_path / "mirror" / SONGS.file, FILES)
    with zipfile.ZipFile(archive, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("list.json", b"[]")
    assert "appears twice" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


def test_bomb_is_refused_unread(tmp_path):
    archive = tmp_path / "mirror" / SONGS.file
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        for name in FILES:
            file.writestr(name, bytes(10_000_000))
    assert archive.stat().st_size < 100_000
    assert "4 files of 40000000 bytes" in get_fails(SONGS, tmp_path, tmp_path / "mirror")
    assert "10000000 bytes, expected 2" in get_fails(PART, tmp_path, tmp_path / "mirror")


@pytest.mark.parametrize("size", [0, 100, -30])
def test_cut_archive_is_an_error(tmp_path, size):
    archive = write_zip(tmp_path / "mirror" / SONGS.file, FILES)
    archive.write_bytes(archive.read_bytes()[:size])
    assert "no zip archive" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


def test_damaged_member_is_an_error(tmp_path):
    archive = write_zip(tmp_path / "mirror" / SONGS.file, FILES)
    content = archive.read_bytes()
    assert content.count(b"three") == 1
    archive.write_bytes(content.replace(b"three", b"throe"))
    assert "damaged" in get_fails(SONGS, tmp_path, tmp_path / "mirror")


@pytest.mark.parametrize(
    "place", ["", "songs", "songs_kept", "data/songs", f"songs-{COMMIT}", "songs.git"]
)
def test_unpacked_copy_is_packed(tmp_path, place):
    write_files(tmp_path / "mirror" / place, FILES | OTHERS)
    assert get(SONGS, tmp_path, tmp_path / "mirror") == FILES
    assert get(PART, tmp_path / "b", tmp_path / "mirror") == FILES["list.json"]


def test_unpacked_copy_lacking_or_changing_files_is_an_error(tmp_path):
    mirror = write_files(tmp_path / "mirror", FILES)
    (mirror / "songs" / "b.npy").write_bytes(b"TWO")
    assert "the digest of its files is" in get_fails(SONGS, tmp_path, mirror)
    (mirror / "songs" / "b.npy").unlink()
    assert "3 files of 10 bytes, expected 4 of 13" in get_fails(SONGS, tmp_path, mirror)
    shutil.rmtree(mirror / "songs")
    assert "mirror has no songs_kept.zip" in get_fails(SONGS, tmp_path, mirror)


def test_links_in_an_unpacked_copy_are_not_followed(tmp_path):
    outside = write_files(tmp_path / "outside", {"a.npy": FILES["songs/a.npy"]})
    mirror = write_files(tmp_path / "mirror", FILES)
    (mirror / "songs" / "a.npy").unlink()
    (mirror / "songs" / "a.npy").symlink_to(outside / "a.npy")
    assert "3 files of 10 bytes" in get_fails(SONGS, tmp_path, mirror)
    shutil.move(mirror / "songs", tmp_path / "songs")
    (mirror / "songs").symlink_to(tmp_path / "songs")
    assert "mirror has no songs_kept.zip" in get_fails(SONGS, tmp_path, mirror)


@pytest.mark.parametrize("place", ["", "songs", "data/songs"])
@pytest.mark.parametrize("bare", [False, True])
def test_clone_is_read_at_the_commit_whatever_its_files_are(tmp_path, place, bare):
    made = tmp_path / "made"
    commit = make_repository(made)
    write_files(made, {"songs/a.npy": b"newer"})
    commit_all(made)
    (tmp_path / "mirror" / place).parent.mkdir(parents=True, exist_ok=True)
    kind = ["--bare"] if bare else []
    git(tmp_path, "clone", "--quiet", *kind, str(made), str(tmp_path / "mirror" / place))
    source = git_source("http://localhost:9/songs", commit)
    assert get(source, tmp_path, tmp_path / "mirror") == FILES


def test_clone_with_another_commit_serves_only_if_its_files_are_right(tmp_path):
    mirror = tmp_path / "mirror"
    make_repository(mirror)
    assert get(SONGS, tmp_path, mirror) == FILES
    write_files(mirror, {"songs/a.npy": b"new"})
    assert "the digest of its files is" in get_fails(SONGS, tmp_path / "b", mirror)


def test_clone_without_the_files_never_asks_its_own_origin(tmp_path):
    made = tmp_path / "made"
    commit = make_repository(made)
    mirror = tmp_path / "mirror" / "songs"
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", made.as_uri(), str(mirror))
    source = git_source("http://localhost:9/songs", commit)
    assert "not all of its files" in get_fails(source, tmp_path, tmp_path / "mirror")


def _mirror():
    found = os.environ.get("UGAAR_MIRROR")
    if not found:
        pytest.skip("UGAAR_MIRROR is not set: no copy of the collections")
    return Path(found)


@pytest.mark.parametrize("name", ["lmd-lyrics", "openscore-lieder", "nottingham", "chroma-cens"])
def test_published_collection_comes_out_of_the_mirror_and_verifies(tmp_path, name):
    sources = read_sources(SHIPPED)
    out = tmp_path / sources[name].file
    fetch(sources[name], out, _mirror(), sources)
    assert difference(sources[name], out) is None
    with zipfile.ZipFile(out) as archive:
        assert sum(not member.is_dir() for member in archive.infolist()) == int(sources[name].files)


@pytest.mark.parametrize("name", ["skipgram-syllable", "skipgram-word", "asmcmr", "ucasr"])
def test_published_weights_come_out_of_the_mirror(tmp_path, name):
    sources = read_sources(SHIPPED)
    out = tmp_path / sources[name].file
    fetch(sources[name], out, _mirror(), sources)
    assert out.stat().st_size == int(sources[name].bytes)


def test_published_word_model_gives_the_vector_that_its_repository_prints(tmp_path):
    sources = read_sources(SHIPPED)
    source = sources["skipgram-word"]
    fetch(source, tmp_path / source.file, _mirror(), sources)
    model = skipgram_published.load(tmp_path / source.file)
    love = model.vectors[model.rows()["love"]]
    assert love[:2] == pytest.approx([-0.08729718, -0.11972886], abs=1e-8)
