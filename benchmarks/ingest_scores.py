"""Scores cut to their sung parts before music21 reads them against whole scores, file by file.

    PYTHONPATH=src python benchmarks/ingest_scores.py --path FOLDER_OR_ZIP [--files N]

Both ways read the same files in turns in the same run, so that other work on the machine meets
both. The plain way is music21's own converter on the whole score; the other is the stage's. The
songs of both are compared: one that differs in any column ends the run. They are read as those of
the music21 corpus are: the stage corrects other scores where music21 stretches rests.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

from ugaar.settings import load
from ugaar.sources.archive import Files
from ugaar.sources.music21_files import holds_lyrics, holds_transpositions, text_encoding
from ugaar.sources.musicxml_bytes import SUFFIXES, UnusableScoreError, score_xml
from ugaar.sources.musicxml_songs import songs_in


def plain(data: bytes, name: str, settings: dict) -> list[dict]:
    """Return the songs of a whole score."""
    from music21 import converter

    from ugaar.sources.music21_scores import ScoreFile, songs_of

    xml = score_xml(data)
    file = ScoreFile(
        source="musicxml",
        collection=".",
        path=name,
        encoding=text_encoding(xml),
        transposing=holds_transpositions(xml),
    )
    return songs_of(
        converter.parseData(xml.decode(file.encoding), format="musicxml"), file, settings
    )


def cut(data: bytes, name: str, settings: dict) -> list[dict]:
    """Return the songs as the stage reads them."""
    return songs_in(data, "musicxml", ".", name, settings, as_published=True)


def main() -> None:
    """Read every file both ways and print CPU time a file and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--path", required=True, help="folder or zip archive of MusicXML files")
    parser.add_argument("--files", type=int, default=120, help="files, spread over the collection")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = load(["config.yaml"], "workflow/schemas/config.schema.yaml")["source"]
    used = {plain: 0.0, cut: 0.0}
    read = songs = 0
    with Files(Path(arguments.path), SUFFIXES) as files:
        for name in files.names[:: max(1, len(files.names) // arguments.files)]:
            data = files.read(name)
            if not holds_lyrics(score_xml(data)):
                continue
            rows = {}
            for way in (cut, plain) if read % 2 else (plain, cut):
                before = time.process_time()
                try:
                    rows[way] = way(data, name, settings)
                except UnusableScoreError:
                    rows[way] = []
                used[way] += time.process_time() - before
            if rows[plain] != rows[cut]:
                raise SystemExit(f"{name}: the songs differ")
            read += 1
            songs += len(rows[cut])
    for way, seconds in used.items():
        print(f"{way.__name__}: {seconds / read * 1000:.0f} ms CPU a file")
    print(f"{read} files, {songs} songs, all equal; {used[plain] / used[cut]:.1f} x")


if __name__ == "__main__":
    main()
