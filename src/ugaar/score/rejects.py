"""Rows for what was dropped: every reason code of reading and windowing, with its remedy."""

from __future__ import annotations

REMEDIES = {
    "no-lyrics": "nothing to do; only scores and MIDI files with lyrics are used",
    "unreadable-score": "open and save the score again with a notation program",
    "empty-file": "delete the file or get it again",
    "not-midi": "remove the file, or convert it to a Standard MIDI File",
    "truncated": "get the file again; it ends before its data do",
    "smpte-timing": "save the file with ticks per quarter note instead of SMPTE frames",
    "asynchronous-tracks": "save the file as MIDI type 0 or 1",
    "unreadable-midi": "open and save the file again with a sequencer",
    "unsafe-file": "do not use the file; save the score or song again with its own program",
    "duplicate-name": "remove or rename one of the files",
    "unreadable-file": "get the file again; it is damaged or cut short",
    "unsafe-pickle": "do not open the file elsewhere; it asks for code to be run",
    "not-npy": "save the song with numpy.save",
    "wrong-shape": "give one row of (continuous, discrete, syllables), one entry a note in each",
    "unequal-lengths": "give each note one continuous, one discrete and one syllable entry",
    "bad-pitch": "give whole MIDI pitches from 0 to 127",
    "bad-time": "give finite times, lengths above 0 and rests of 0 or more",
    "bad-syllable": "give each note a text; leave out notes without one",
    "no-notes": "nothing to do; the file holds no notes",
    "no-melody": "lower source.midi.min_match or raise source.midi.onset_tolerance_s",
    "not-drawn": "raise window.song_share; 1 takes all songs",
    "too-few-notes": "lower window.notes (the paper uses 20)",
    "silence-over-limit": "raise window.max_silence_s (the paper uses 4)",
    "note-over-limit": "raise window.max_note_s",
    "quantise-error": "raise window.max_quantise_error_s, or quantise the file in a sequencer",
}


def reject(
    stage: str, level: str, item: str, path: str, reason: str, detail: str
) -> dict[str, str]:
    """Return a row of the rejects table.

    Args:
        stage: the stage that drops the item.
        level: file, song or window.
        item: the item's id, or its path.
        path: the source file that it came from.
        reason: a key of `REMEDIES`.
        detail: what was found.
    """
    return {
        "stage": stage,
        "level": level,
        "item": item,
        "path": path,
        "reason": reason,
        "detail": detail,
        "remedy": REMEDIES[reason],
    }


def sort_key(row: dict[str, str]) -> tuple[str, ...]:
    """Return what rejects are sorted by, so that their order does not depend on shards."""
    return tuple(row[name] for name in ("stage", "level", "path", "item", "reason", "detail"))
