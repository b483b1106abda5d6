"""Rows of the table of sources, tables of them, and a repository, for the tests of fetching."""

import hashlib
import os
import subprocess
import zipfile
from dataclasses import astuple, fields, replace

from ugaar.sources.fetch_retry import Patience
from ugaar.sources.fetch_table import Source

CONTENT = bytes(range(256)) * 32
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NO_SUCH_SERVER = "http://localhost:9/net.bin"
HASTY = Patience(attempts=3, pause_s=0.01, silence_s=2.0, program_s=60)

FILES = {
    "songs/b.npy": b"two",
    "songs/a.npy": b"one",
    "songs/deep/c.npy": b"three",
    "list.json": b"{}",
}
"""The wanted files of the git source of the tests."""
OTHERS = {"README.md": b"not wanted", "songs/a.txt": b"nor this", "other/d.npy": b"nor that"}
PATTERNS = "songs/**/*.npy list.json"


def digest_of(files):
    """The digest of a git source, as `sha256sum` would make it."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def url_source(**changes):
    return replace(
        Source(
            name="net",
            kind="url",
            file="net.bin",
            address=NO_SUCH_SERVER,
            version="1",
            paths="",
            files="",
            bytes=str(len(CONTENT)),
            sha256=SHA256,
            licence="MIT",
            cite="A. Author: A network. 2020",
            note="a network",
        ),
        **changes,
    )


def git_source(address, commit, **changes):
    return replace(
        Source(
            name="songs",
            kind="git",
            file="songs_kept.zip",
            address=address,
            version=commit,
            paths=PATTERNS,
            files=str(len(FILES)),
            bytes=str(sum(map(len, FILES.values()))),
            sha256=digest_of(FILES),
            licence="CC0-1.0",
            cite="",
            note="",
        ),
        **changes,
    )


def part_source(**changes):
    """A single file that the git source holds, too."""
    content = FILES["list.json"]
    return url_source(
        name="list",
        file="list.bin",
        paths="songs:list.json",
        bytes=str(len(content)),
        sha256=hashlib.sha256(content).hexdigest(),
        **changes,
    )


def write_table_of(path, *rows):
    names = [field.name for field in fields(Source)]
    path.write_text("".join("\t".join(line) + "\n" for line in (names, *map(astuple, rows))))
    return path


def write_files(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def write_zip(path, files):
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def read_zip(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def git(folder, *arguments):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        environment |= {f"GIT_{role}_NAME": "tester", f"GIT_{role}_EMAIL": "tester@example.org"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], env=environment, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit_all(folder, message="a commit"):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


def make_repository(folder):
    """A repository with the wanted and other files; returns the commit that holds them."""
    write_files(folder, FILES | OTHERS)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "uploadpack.allowFilter", "true")
    return commit_all(folder)
