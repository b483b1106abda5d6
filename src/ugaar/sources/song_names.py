"""Artist and title, as far as the name of a MIDI file tells them."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

_NO_ARTIST = re.compile(
    r"\d|\b(midis?|unsorted|various|divers\w*|hits|pop|jazz|world|country|unknown|songs|tv|"
    r"cheer|ringtones|discofox)\b",
    re.IGNORECASE,
)
_DASH = re.compile(r"\s+-\s+")


def artist_and_title(name: str) -> tuple[str, str]:
    """Return artist and title of a file name such as `Beatles/Help.mid`; empty where unknown.

    `Artist - Title` in the file's own name counts first. Otherwise the folder is taken for the
    artist unless it is plainly a drawer (a letter, a number, `Commercial Midi Pack 002`). Names
    of collections are not reliable; these fields are for people, nothing is computed from them.
    """
    path = PurePosixPath(name)
    stem = " ".join(path.stem.removesuffix(" L").replace("_", " ").split())
    if not stem:
        return "", ""
    artist, *rest = _DASH.split(stem, maxsplit=1)
    if rest and rest[0]:
        return artist, rest[0]
    folder = path.parent.name
    if len(folder) < 3 or _NO_ARTIST.search(folder):
        return "", stem
    return " ".join(folder.replace("_", " ").split()), stem
