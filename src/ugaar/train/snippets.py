"""Aligned pairs of sheet crops and spectrogram excerpts, cut around notes.

Because a strip comes with the x position of every notehead and a clip with the time of every onset,
any rendered window can be cut into pairs. Media are decoded once: strips as 8-bit images at half
resolution, spectrograms as 16-bit floats; 2,000 windows take about 250 MB. Of a
large collection some windows are drawn, so that memory does not grow with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ugaar.errors import DataError
from ugaar.features.audio_clips import decode
from ugaar.features.spectrogram import log_spectrogram, onset_frame
from ugaar.features.strips import decode_strip, halve
from ugaar.models.asmcmr import CROP_HEIGHT, CROP_WIDTH, SPECTROGRAM_BINS
from ugaar.parquet_files import iterate_table, read_table
from ugaar.progress import Progress
from ugaar.score.split import draw_order
from ugaar.tables import AUDIO, SHEET, SPLIT, WINDOWS

VERTICAL_SHIFT_PX = 5
"""Largest vertical shift of a crop at full resolution (methods of TISMIR 2018)."""

SCALING = 0.05
"""Largest relative change of the engraving's size."""

ONSET_SHIFT_FRAMES = 1
"""Largest shift of an excerpt."""

TEMPO = 0.1
"""Largest relative change of tempo, by picking frames nearest to stretched times.

Paper: performances rendered at 0.9 to 1.1 of the tempo; here: frames of one rendering are picked
at stretched times, because it costs nothing."""


@dataclass(frozen=True)
class Snippets:
    """A pool of aligned pairs and the media that they are cut from.

    Attributes:
        strips: half-resolution strips, uint8, shape (80, width) each, paper = 255.
        spectrograms: float16, shape (n_frames, 92) each.
        strip_of: strip of each pair, int64, shape (n_pairs,).
        spectrogram_of: spectrogram of each pair, int64, shape (n_pairs,).
        column: notehead centre of each pair in half-resolution pixels, float64, shape (n_pairs,).
        frame: onset frame of each pair, int64, shape (n_pairs,).
    """

    strips: list[np.ndarray]
    spectrograms: list[np.ndarray]
    strip_of: np.ndarray
    spectrogram_of: np.ndarray
    column: np.ndarray
    frame: np.ndarray

    def __len__(self) -> int:
        return len(self.column)

    def digest(self) -> str:
        """Return a hash of the pairs' places, the strips and the spectrograms."""
        found = hashlib.sha256()
        places = (self.strip_of, self.spectrogram_of, self.column, self.frame)
        for array in (*places, *self.strips, *self.spectrograms):
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def spaced(self, count: int) -> Snippets:
        """Return at most `count` pairs at equal distances in the pool."""
        chosen = np.unique(np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64))
        return replace(
            self,
            strip_of=self.strip_of[chosen],
            spectrogram_of=self.spectrogram_of[chosen],
            column=self.column[chosen],
            frame=self.frame[chosen],
        )

    def cut(
        self, chosen: Iterable[int], frames: int, generator: np.random.Generator | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Cut pairs out, augmented where a generator is given.

        Args:
            chosen: numbers of the pairs.
            frames: length T of an excerpt; its onset lies at frame T // 2.
            generator: source of the augmentation: vertical shift and scaling of the crop, shift
                and tempo of the excerpt.

        Returns:
            Crops (n, 1, 80, 100), paper = 1, and excerpts (n, 1, 92, T), float32. Outside the
            strip is paper, outside the clip is silence.
        """
        chosen = list(chosen)
        crops = np.empty((len(chosen), 1, CROP_HEIGHT, CROP_WIDTH), dtype=np.float32)
        excerpts = np.empty((len(chosen), 1, SPECTROGRAM_BINS, frames), dtype=np.float32)
        for place, pair in enumerate(chosen):
            shift_rows, scale, shift_frames, tempo = 0.0, 1.0, 0, 1.0
            if generator is not None:
                shift_rows = generator.uniform(-1.0, 1.0) * VERTICAL_SHIFT_PX / 2.0
                scale = 1.0 + generator.uniform(-SCALING, SCALING)
                shift_frames = int(
                    generator.integers(-ONSET_SHIFT_FRAMES, ONSET_SHIFT_FRAMES, endpoint=True)
                )
                tempo = 1.0 + generator.uniform(-TEMPO, TEMPO)
            crops[place, 0] = _crop(
                self.strips[self.strip_of[pair]], self.column[pair], shift_rows, scale
            )
            excerpts[place, 0] = excerpt(
                self.spectrograms[self.spectrogram_of[pair]],
                int(self.frame[pair]) + shift_frames,
                frames,
                tempo,
            )
        return crops, excerpts


def _pick(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, outside: int) -> np.ndarray:
    """Pick rows and columns of an image; places outside it get a constant."""
    picked = image[np.clip(rows, 0, image.shape[0] - 1)]
    picked = picked[:, np.clip(columns, 0, image.shape[1] - 1)]
    picked[(rows < 0) | (rows >= image.shape[0])] = outside
    picked[:, (columns < 0) | (columns >= image.shape[1])] = outside
    return picked


def _crop(strip: np.ndarray, column: float, shift_rows: float, scale: float) -> np.ndarray:
    rows = (np.arange(CROP_HEIGHT) + 0.5 - CROP_HEIGHT / 2) * scale + CROP_HEIGHT / 2 + shift_rows
    columns = (np.arange(CROP_WIDTH) + 0.5 - CROP_WIDTH / 2) * scale + column
    whole = np.floor(rows).astype(np.int64), np.floor(columns).astype(np.int64)
    return _pick(strip, *whole, outside=255) / np.float32(255.0)


def excerpt(spectrogram: np.ndarray, centre: int, frames: int, tempo: float = 1.0) -> np.ndarray:
    """Cut an excerpt out of a spectrogram.

    Args:
        spectrogram: shape (n_frames, bins).
        centre: frame that comes to lie at frames // 2.
        frames: length of the excerpt.
        tempo: factor by which the excerpt plays faster.

    Returns:
        float32, shape (bins, frames); silence outside the clip.
    """
    offsets = np.rint((np.arange(frames) - frames // 2) * tempo).astype(np.int64)
    columns = np.arange(spectrogram.shape[1])
    return _pick(spectrogram, centre + offsets, columns, outside=0).T.astype(np.float32)


def read_snippets(
    windows: Path,
    split: Path,
    audio: Path,
    sheet: Path,
    folds: Iterable[str],
    most: int | None = None,
) -> dict[str, Snippets]:
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


def _decode_clips(folder: Path, keys: set[str]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
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


def _decode_strips(folder: Path, keys: set[str]) -> dict[str, tuple[np.ndarray, dict[int, float]]]:
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
            strips[row["sheet_key"]] = (strip, heads)
    return strips


def _pool(
    pairs: list[tuple[str, str]],
    clips: dict[str, tuple[np.ndarray, np.ndarray]],
    strips: dict[str, tuple[np.ndarray, dict[int, float]]],
) -> Snippets:
    audio_index: dict[str, int] = {}
    sheet_index: dict[str, int] = {}
    rows = []
    for audio_key, sheet_key in pairs:
        clip = audio_index.setdefault(audio_key, len(audio_index))
        strip = sheet_index.setdefault(sheet_key, len(sheet_index))
        heads = strips[sheet_key][1]
        for note, frame in enumerate(clips[audio_key][1]):
            if note in heads:
                rows.append((strip, clip, heads[note] / 2.0, int(frame)))
    if not rows:
        raise DataError("no notehead belongs to a note that sounds; render the sheets again")
    strip_of, spectrogram_of, column, frame_of = (
        np.array(values) for values in zip(*rows, strict=True)
    )
    return Snippets(
        [strips[key][0] for key in sheet_index],
        [clips[key][0] for key in audio_index],
        strip_of.astype(np.int64),
        spectrogram_of.astype(np.int64),
        column.astype(np.float64),
        frame_of.astype(np.int64),
    )
