"""The wanted files of one commit of a git repository, packed into an archive.

Only the commit, its folder lists and the wanted files are transferred. Git names every object by a
digest of its content, so the commit's name vouches for all of it. Files are read from git's own
store: there is no working tree, so neither attributes, filters, line ends nor hooks can act.
"""

from __future__ import annotations

import logging
import os
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

from ugaar.errors import DataError
from ugaar.sources.archive import is_inside
from ugaar.sources.fetch_archive import check_size, pack
from ugaar.sources.fetch_process import last_line, run
from ugaar.sources.fetch_retry import Patience, UnavailableError, persist
from ugaar.sources.fetch_table import Source, wanted

_KEPT_VARIABLES = ("GIT_SSL_", "GIT_HTTP_", "GIT_PROXY_", "GIT_EXEC_PATH", "GIT_CONFIG_")
"""Of git's variables these say how to reach a server; the rest would name other repositories."""

_LASTING = (
    "not our ref",
    "unadvertised object",
    "not found",
    "does not exist",
    "not appear to be a git repository",
    "could not read Username",
    "not allowed",
)
"""Parts of messages after which asking again is pointless."""

_PLAIN_FILE = ("100644", "100755")

_OPTIONS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.askPass=",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "fetch.recurseSubmodules=no",
    # Nothing is in the repository that a server could leave out of what it sends.
    "fetch.negotiationAlgorithm=noop",
    "advice.detachedHead=false",
)


class Repository:
    """A repository without working tree, whoever made it.

    Args:
        folder: the repository itself, such as `.git`.
        protocol: the one way that git may reach others; none where empty.
        patience: how long to try.
    """

    def __init__(self, folder: Path, protocol: str, patience: Patience) -> None:
        self.folder = folder
        self._patience = patience
        options = [*_OPTIONS, "http.lowSpeedLimit=1"]
        options += [f"http.lowSpeedTime={max(1, round(patience.silence_s))}"]
        self._command = ["git", f"--git-dir={folder}"]
        self._command += [part for option in options for part in ("-c", option)]
        self._environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GIT_") or name.startswith(_KEPT_VARIABLES)
        }
        self._environment |= {
            "GIT_TERMINAL_PROMPT": "0",
            # Stronger than any configuration, that of the repository included.
            "GIT_ALLOW_PROTOCOL": protocol or "none",
            "LC_ALL": "C",
            "LANGUAGE": "",
        }

    def call(self, *arguments: str, stdin: bytes = b"", stdout: Path | None = None) -> bytes:
        """Run a git command and return its output.

        Raises:
            UnavailableError: it failed.
        """
        done = run(
            [*self._command, *arguments],
            self._patience.program_s,
            environment=self._environment,
            stdin=stdin,
            stdout=stdout,
        )
        if done.returncode:
            said = last_line(done.stderr)
            raise UnavailableError(
                f"git {arguments[0]} failed ({said})",
                lasting=any(text in said for text in _LASTING),
            )
        return done.stdout

    def has(self, commit: str) -> bool:
        """Tell whether the repository holds a commit."""
        try:
            self.call("cat-file", "-e", f"{commit}^{{commit}}")
        except UnavailableError:
            return False
        return True

    def fetch(self, *arguments: str, stdin: bytes = b"") -> None:
        """Fetch objects, trying again where that may help."""
        options = ["--quiet", "--no-tags", "--no-write-fetch-head", "--filter=blob:none"]
        persist(lambda: self.call("fetch", *options, *arguments, stdin=stdin), self._patience)


def pack_remote(source: Source, folder: Path, out: Path, patience: Patience) -> None:
    """Fetch the wanted files of a source's commit and pack them.

    Args:
        source: address, commit and wanted files.
        folder: an empty folder for git to work in.
        out: the archive to write.
        patience: how long to try.

    Raises:
        UnavailableError: the repository cannot be reached or does not hold the commit.
        DataError: the commit does not hold the wanted files.
    """
    repository = Repository(folder / "git", urllib.parse.urlsplit(source.address).scheme, patience)
    repository.call("init", "--quiet", "--bare", "--template=", str(repository.folder))
    repository.call("remote", "add", "origin", source.address)
    try:
        repository.fetch("--depth=1", "origin", source.version)
        objects = _objects(repository, source)
        wants = "".join(f"{name}\n" for name in dict.fromkeys(objects.values())).encode()
        repository.fetch("origin", "--stdin", stdin=wants)
    except UnavailableError as error:
        raise UnavailableError(
            f"{source.address}: commit {source.version} cannot be had: {error}",
            lasting=error.lasting,
        ) from error
    pack(out, _files(repository, objects, source, folder))


def pack_clone(source: Source, clone: Path, folder: Path, out: Path, patience: Patience) -> bool:
    """Pack the wanted files of a source's commit from a clone; its working tree is not looked at.

    Args:
        source: commit and wanted files.
        clone: a clone or bare repository.
        folder: an empty folder to work in.
        out: the archive to write.
        patience: how long to try.

    Returns:
        Whether it is a clone that holds the commit.

    Raises:
        DataError: it does not hold the wanted files.
    """
    inside = clone / ".git" if (clone / ".git").is_dir() else clone
    if not ((inside / "HEAD").is_file() and (inside / "objects").is_dir()):
        return False
    repository = Repository(inside.resolve(), "", patience)
    if not repository.has(source.version):
        logging.info("%s: a repository without commit %s", clone, source.version)
        return False
    try:
        pack(out, _files(repository, _objects(repository, source), source, folder))
    except UnavailableError as error:
        raise DataError(
            f"{clone}: holds commit {source.version}, but not all of its files ({error}); check "
            "them out there, or use a full clone"
        ) from error
    return True


def _objects(repository: Repository, source: Source) -> dict[str, str]:
    """Return the wanted files in the order of their bytes: path -> object name.

    Raises:
        DataError: the commit is none, or holds no wanted file.
    """
    found = repository.call("rev-parse", "--verify", f"{source.version}^{{commit}}")
    if found.decode().strip() != source.version:
        raise DataError(f"{source.address}: {source.version} is not a commit")
    listing = repository.call("ls-tree", "-r", "-z", "--full-tree", source.version)
    objects: dict[str, str] = {}
    for entry in listing.split(b"\0")[:-1]:
        description, _, path = entry.partition(b"\t")
        mode, _, name = description.decode("ascii").split()
        # Links, submodules and names that are no UTF-8 are never wanted.
        if mode in _PLAIN_FILE and is_inside(path.decode("utf-8", "surrogateescape")):
            objects[path.decode("utf-8")] = name
    names = wanted(objects, source.patterns)
    if not names:
        raise DataError(
            f"{source.address}: commit {source.version} holds none of {source.paths}; correct the "
            "table of sources"
        )
    return {name: objects[name] for name in names}


def _files(
    repository: Repository, objects: dict[str, str], source: Source, folder: Path
) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of files.

    Raises:
        DataError: one is missing, or they are not as many and as large as the table says.
    """
    wants = "".join(f"{name}\n" for name in objects.values()).encode()
    stream = folder / "wanted"
    repository.call("cat-file", "--batch", stdin=wants, stdout=stream)
    total = 0
    with open(stream, "rb") as file:
        for path, name in objects.items():
            header = file.readline().split()
            if header[:2] != [name.encode(), b"blob"]:
                raise DataError(f"{repository.folder}: lacks the content of {path}")
            size = int(header[2])
            total += size
            yield path, file.read(size)
            file.read(1)
    check_size(source, len(objects), total, source.address)
