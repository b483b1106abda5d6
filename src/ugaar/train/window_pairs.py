"""Pools of the notes of rendered windows, decoded into memory.

Because a strip comes with the x position of every notehead and a clip with the time of every onset,
any rendered window can be cut into pairs. Media are decoded once: strips as 8-bit images at half
resolution, spectrograms as 16-bit floats; 2,000 windows take about 250 MB. Of a large collection
some windows are drawn, so that memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.features.audio_clips import decode
from ugaar.features.spectrogram import log_spectrogram, onset_frame
from ugaar.features.strips import decode_strip, halve
from ugaar.parquet_files import iterate_table, read_table
from ugaar.progress import Progress
from ugaar.score.split import draw_order
from ugaar.tables import AUDIO, SHEET, SPLIT, WINDOWS
from ugaar.train.pair_pool import PairPool

_Clip = tuple[NDArray[np.float16], NDArray[np.int64]]
_Strip = tuple[NDArray[np.uint8], dict[int, float]]


def read_window_pairs(
    windows: Path,
    split: Path,
    audio: Path,
    sheet: Path,
    folds: Iterable[str],
    most: int | None = None,
) -> dict[str, PairPool]:
    """Cut the windows of some folds into pairs, one for each note.

    Windows that sound and look the same as an earlier one of the same fold are left out: their
    pairs would be each other's false negatives.

    Args:
        windows: the windows table.
        split: the split table.
        audio: folder of audio shards.
        sheet: folder of sheet shards.
        folds: folds to read.
        most: largest number of windows of a fold, drawn by their ids; None takes them all.

    Returns:
        The pool of each fold, its pairs in the order of window ids and notes.

    Raises:
        DataError: a fold has no window with both media.
    """
    keys = _window_keys(windows, split)
    present = (
        set(read_table(audio, AUDIO, ["audio_key"])["audio_key"].to_pylist()),
        set(read_table(sheet, SHEET, ["sheet_key"])["sheet_key"].to_pylist()),
    )
    rendered = [row for row in keys if row[2] in present[0] and row[3] in present[1]]
    wanted = {}
    for fold in folds:
        found = {window: (clip, strip) for window, its, clip, strip in rendered if its == fold}
        drawn = sorted(draw_order(found, seed=0)[:most])
        wanted[fold] = list(dict.fromkeys(found[window] for window in drawn))
    for fold, pairs in wanted.items():
        if not pairs:
            raise DataError(
                f"{split}: no window of the {fold} fold has both a clip in {audio} and a strip in "
                f"{sheet}; check the rejects of both render stages"
            )
    clips = _decode_clips(audio, {key for pairs in wanted.values() for key, _ in pairs})
    strips = _decode_strips(sheet, {key for pairs in wanted.values() for _, key in pairs})
    return {fold: _pool(pairs, clips, strips) for fold, pairs in wanted.items()}


def _window_keys(windows: Path, split: Path) -> list[tuple[str, str, str, str]]:
    folds = read_table(split, SPLIT, ["window_id", "fold"]).to_pydict()
    fold_of = dict(zip(folds["window_id"], folds["fold"], strict=True))
    found = read_table(windows, WINDOWS, ["window_id", "audio_key", "sheet_key"]).to_pydict()
    return sorted(
        (window, fold_of[window], audio_key, sheet_key)
        for window, audio_key, sheet_key in zip(
            found["window_id"], found["audio_key"], found["sheet_key"], strict=True
        )
        if window in fold_of
    )


def _decode_clips(folder: Path, keys: set[str]) -> dict[str, _Clip]:
    clips = {}
    progress = Progress(len(keys))
    for rows in iterate_table(folder, AUDIO, ["audio_key", "flac", "onset_s"]):
        for row in rows:
            if row["audio_key"] not in keys:
                continue
            spectrogram = log_spectrogram(*decode(row["flac"], row["audio_key"])).astype(np.float16)
            clips[row["audio_key"]] = (spectrogram, onset_frame(np.array(row["onset_s"])))
            progress.step()
    return clips


def _decode_strips(folder: Path, keys: set[str]) -> dict[str, _Strip]:
    strips = {}
    columns = ["sheet_key", "png", "note_index", "notehead_x_px"]
    for rows in iterate_table(folder, SHEET, columns):
        for row in rows:
            if row["sheet_key"] not in keys:
                continue
            # A tied note has several heads; what sounds at the onset is the first.
            heads: dict[int, float] = {}
            for note, x in zip(row["note_index"], row["notehead_x_px"], strict=True):
                heads[note] = min(x, heads.get(note, x))
            strip = halve(decode_strip(row["png"], row["sheet_key"]))
            strips[row["sheet_key"]] = (np.ascontiguousarray(strip.T), heads)
    return strips


def _pool(
    pairs: list[tuple[str, str]], clips: dict[str, _Clip], strips: dict[str, _Strip]
) -> PairPool:
    audio_keys = list(dict.fromkeys(audio_key for audio_key, _ in pairs))
    sheet_keys = list(dict.fromkeys(sheet_key for _, sheet_key in pairs))
    clip_ends = _ends(audio_keys, clips)
    strip_ends = _ends(sheet_keys, strips)
    rows = []
    for audio_key, sheet_key in pairs:
        heads = strips[sheet_key][1]
        for note, frame in enumerate(clips[audio_key][1]):
            if note in heads:
                place = (*strip_ends[sheet_key], *clip_ends[audio_key], int(frame))
                rows.append((heads[note] / 2.0, *place))
    if not rows:
        raise DataError("no notehead belongs to a note that sounds; render the sheets again")
    column, *places = (np.array(values) for values in zip(*rows, strict=True))
    strip_first, strip_stop, frame_first, frame_stop, frame = (
        place.astype(np.int64) for place in places
    )
    return PairPool(
        strips=np.concatenate([strips[key][0] for key in sheet_keys]),
        spectrograms=[np.concatenate([clips[key][0] for key in audio_keys])],
        strip_first=strip_first,
        strip_stop=strip_stop,
        column=column.astype(np.float64),
        frame_first=frame_first[None],
        frame_stop=frame_stop[None],
        frame=frame[None],
    )


def _ends(keys: list[str], media: dict[str, _Clip] | dict[str, _Strip]) -> dict[str, tuple]:
    """Return where each medium starts and stops when they are laid one after another."""
    stops = np.cumsum([len(media[key][0]) for key in keys])
    starts = [0, *stops[:-1]]
    return dict(zip(keys, zip(starts, stops, strict=True), strict=True))
