"""Pools of aligned pairs: crops of engraved strips and excerpts of spectrograms, cut when needed.

A pool is a few arrays, in memory or mapped from files, and the place of every pair in them. A
batch is cut by fancy indexing, with no loop over its pairs.

Looks of the test pieces (config audio_sheet.conditions: scale, rotate, blur) belong to a crop, not
to a strip: turning a strip of 60,000 pixels about its middle would carry its ends off the paper.
So strips are stored once, plain, and `PairPool.cut(..., look=Look(...))` looks at each crop's own
neighbourhood.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.features.media_store import array_digest, open_store
from ugaar.features.spectrogram import DEFAULT, FRONT_ENDS, FrontEnd, onset_frame
from ugaar.parquet_files import read_table
from ugaar.snippet_tables import SNIPPETS, SPECTROGRAM_INDEX, STRIP_INDEX
from ugaar.train.augmentation import Augmentation, Draws
from ugaar.train.looks import PLAIN, Look, looked_at

PAPER = 255


@dataclass(frozen=True)
class Shape:
    """What a network sees.

    Attributes:
        crop_height: rows of a crop at half resolution; the middle ones of the strip.
        crop_width: columns of a crop at half resolution, the notehead in the middle.
        frames: length T of an excerpt; its onset lies at frame T // 2.
    """

    crop_height: int
    crop_width: int
    frames: int


@dataclass(frozen=True)
class PairPool:
    """Aligned pairs and the arrays that they are cut from.

    Attributes:
        strips: columns of all strips at half resolution, uint8, shape (n_columns, height), paper =
            255.
        spectrograms: one array for each rendition, float16, shape (n_frames, n_bins).
        strip_first: first row of `strips` of each pair's strip, int64, shape (n_pairs,).
        strip_stop: row after its last, int64, shape (n_pairs,).
        column: notehead centre, half-resolution pixels from `strip_first`, float64, (n_pairs,).
        frame_first: first row of each pair's clip in the rendition's array, int64, shape
            (n_renditions, n_pairs).
        frame_stop: row after its last, int64, shape (n_renditions, n_pairs).
        frame: onset frame, counted from `frame_first`, int64, shape (n_renditions, n_pairs).
        front_end: the spectrogram.
        piece_id: piece of each pair, text, shape (n_pairs,); empty for windows.
        note: number of each pair's onset in its piece, int64, shape (n_pairs,); empty for windows.
        contents: digests of `strips` and of each of `spectrograms`, where known.
    """

    strips: NDArray[np.uint8]
    spectrograms: Sequence[NDArray[np.float16]]
    strip_first: NDArray[np.int64]
    strip_stop: NDArray[np.int64]
    column: NDArray[np.float64]
    frame_first: NDArray[np.int64]
    frame_stop: NDArray[np.int64]
    frame: NDArray[np.int64]
    front_end: FrontEnd = DEFAULT
    piece_id: NDArray[np.str_] = field(default_factory=lambda: np.array([], dtype=np.str_))
    note: NDArray[np.int64] = field(default_factory=lambda: np.array([], dtype=np.int64))
    contents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        per_rendition = (len(self.spectrograms), len(self.column))
        for name in ("frame_first", "frame_stop", "frame"):
            if getattr(self, name).shape != per_rendition:
                raise ValueError(
                    f"{name}: shape {getattr(self, name).shape}, expected (renditions, pairs) = "
                    f"{per_rendition}"
                )
        for name in ("strip_first", "strip_stop"):
            if getattr(self, name).shape != self.column.shape:
                raise ValueError(f"{name}: {len(getattr(self, name))} of {len(self.column)} pairs")
        for spectrogram in self.spectrograms:
            if spectrogram.shape[1] != self.front_end.n_bins:
                raise ValueError(
                    f"a spectrogram has {spectrogram.shape[1]} bins, the front end "
                    f"{self.front_end.name} {self.front_end.n_bins}"
                )

    def __len__(self) -> int:
        return len(self.column)

    def digest(self) -> str:
        """Return a hash of the pairs' places and of the arrays that they are cut from."""
        found = hashlib.sha256(self.front_end.name.encode())
        places = (self.strip_first, self.strip_stop, self.column)
        for array in (*places, self.frame_first, self.frame_stop, self.frame):
            found.update(np.ascontiguousarray(array).data)
        for content in self.contents or self._array_digests():
            found.update(content.encode())
        return found.hexdigest()

    def _array_digests(self) -> list[str]:
        arrays: list[NDArray] = [self.strips, *self.spectrograms]
        return [array_digest(array) for array in arrays]

    def subset(self, indices: NDArray[np.int64]) -> PairPool:
        """Return some of the pairs, in the order given; the media are shared."""
        indices = np.asarray(indices, dtype=np.int64)
        return replace(
            self,
            strip_first=self.strip_first[indices],
            strip_stop=self.strip_stop[indices],
            column=self.column[indices],
            frame_first=self.frame_first[:, indices],
            frame_stop=self.frame_stop[:, indices],
            frame=self.frame[:, indices],
            piece_id=self.piece_id[indices] if len(self.piece_id) else self.piece_id,
            note=self.note[indices] if len(self.note) else self.note,
        )

    def spaced(self, count: int) -> PairPool:
        """Return at most `count` pairs at equal distances in the pool."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)
        return self.subset(np.unique(chosen))

    def cut(
        self,
        chosen: Iterable[int],
        shape: Shape,
        generator: np.random.Generator | None = None,
        augment: Augmentation | None = None,
        rendition: int = 0,
        look: Look = PLAIN,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Cut pairs out; with a generator each from a rendition drawn at random, and augmented.

        The same pairs and state of the generator give the same arrays.

        Args:
            chosen: numbers of the pairs.
            shape: size of crops and excerpts.
            generator: source of rendition, vertical shift, scaling, onset shift and tempo.
            augment: their largest values; the published ones where None.
            rendition: number of the rendition where there is no generator.
            look: how the engraving is changed; not together with a generator.

        Returns:
            Crops (n, 1, crop_height, crop_width), paper = 1, and excerpts (n, 1, n_bins, frames),
            float32. Outside the strip is paper, outside the clip is silence.
        """
        pairs = np.asarray(
            chosen if isinstance(chosen, np.ndarray | range) else list(chosen), dtype=np.int64
        )
        if generator is None:
            renditions = np.full(len(pairs), rendition, dtype=np.int64)
            crops = (
                self._crops(pairs, shape, np.zeros(len(pairs)), np.ones(len(pairs)))
                if look == PLAIN
                else self._looked_at(pairs, shape, look)
            )
            offsets = np.arange(shape.frames) - shape.frames // 2
            excerpts = self._excerpts(
                pairs, np.broadcast_to(offsets, (len(pairs), shape.frames)), renditions
            )
            return crops, excerpts
        if look != PLAIN:
            raise ValueError("a look is for test pairs: it takes no generator")
        drawn = Draws.of(
            len(pairs), generator, augment or Augmentation(), self.front_end, len(self.spectrograms)
        )
        crops = self._crops(pairs, shape, drawn.rows, drawn.scale)
        steps = np.arange(shape.frames) - shape.frames // 2
        offsets = np.rint(steps * drawn.tempo[:, None]).astype(np.int64) + drawn.frames[:, None]
        return crops, self._excerpts(pairs, offsets, drawn.rendition)

    def _crops(
        self,
        pairs: NDArray[np.int64],
        shape: Shape,
        shift_rows: NDArray[np.float64],
        scale: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        height, width = shape.crop_height, shape.crop_width
        strip_height = self.strips.shape[1]
        # The same sums in the same order as for one pair: a pixel's place is rounded down.
        down = (np.arange(height) + 0.5 - height / 2) * scale[:, None] + strip_height / 2
        rows = np.floor(down + shift_rows[:, None]).astype(np.int64)
        across = (np.arange(width) + 0.5 - width / 2) * scale[:, None]
        columns = np.floor(across + self.column[pairs, None]).astype(np.int64)
        picked, outside = self._columns(pairs, columns)
        below = (rows < 0) | (rows >= strip_height)
        within = np.clip(rows, 0, strip_height - 1)
        # Rows first lie along the last axis: one pick of whole bytes turns the image upright.
        places = (np.arange(len(pairs) * width) * strip_height).reshape(len(pairs), 1, width)
        crops = picked.reshape(-1)[places + within[:, :, None]]
        if below.any():
            crops[below] = PAPER
        if outside.any():
            crops.transpose(0, 2, 1)[outside] = PAPER
        return (crops / np.float32(PAPER))[:, None]

    def _columns(
        self, pairs: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return columns (n, width, strip height) of the pairs' strips, and which lie outside."""
        first, stop = self.strip_first[pairs, None], self.strip_stop[pairs, None]
        places = first + columns
        outside = (places < first) | (places >= stop)
        return self.strips[np.clip(places, first, stop - 1)], outside

    def _looked_at(self, pairs: NDArray[np.int64], shape: Shape, look: Look) -> NDArray[np.float32]:
        def pick(columns: NDArray[np.int64]) -> NDArray[np.uint8]:
            picked, outside = self._columns(pairs, columns)
            picked[outside] = PAPER
            return picked

        centre = np.floor(self.column[pairs] + 0.5).astype(np.int64)
        return looked_at(pick, centre, (shape.crop_height, shape.crop_width), look)

    def _excerpts(
        self,
        pairs: NDArray[np.int64],
        offsets: NDArray[np.int64],
        renditions: NDArray[np.int64],
    ) -> NDArray[np.float32]:
        first, stop = (a[renditions, pairs, None] for a in (self.frame_first, self.frame_stop))
        places = first + self.frame[renditions, pairs, None] + offsets
        outside = (places < first) | (places >= stop)
        within = np.clip(places, first, stop - 1)
        bins = self.front_end.n_bins
        found = np.empty((len(pairs), 1, bins, offsets.shape[1]), dtype=np.float32)
        for number in np.unique(renditions):
            its = np.flatnonzero(renditions == number)
            picked = self.spectrograms[number][within[its]]
            picked[outside[its]] = 0
            found[its, 0] = picked.transpose(0, 2, 1)
        return found


def read_pool(
    snippets: Path,
    strips: Path,
    strip_index: Path,
    spectrograms: Sequence[tuple[Path, Path]],
    fold: str,
    front_end: str | FrontEnd,
) -> PairPool:
    """Open the snippets of one fold as a pool whose media stay on disk.

    A rendition at another tempo (the metadata of its index say which) has its onsets at other
    frames. Pieces that a store lacks are left out: renditions and looks of the test fold hold test
    pieces alone.

    Args:
        snippets: the snippets table.
        strips: .npy file of the stage store-strips.
        strip_index: its index.
        spectrograms: .npy file and index of each rendition, of the stage store-spectrograms.
        fold: train, valid or test.
        front_end: the spectrogram, or its name.

    Returns:
        The pool, its pairs in the order of pieces and notes.

    Raises:
        DataError: a file is missing, of another front end or does not fit its index, or no
            snippet of the fold is in all of them.
    """
    chosen = FRONT_ENDS[front_end] if isinstance(front_end, str) else front_end
    columns = ["piece_id", "note", "fold", "onset_s", "x_px"]
    table = read_table(snippets, SNIPPETS, columns).sort_by(
        [("piece_id", "ascending"), ("note", "ascending")]
    )
    fields = {name: table[name].to_numpy() for name in columns}
    its = fields["fold"].astype(np.str_) == fold
    piece_id = fields["piece_id"].astype(np.str_)
    media = [open_store(strips, strip_index, STRIP_INDEX)]
    for path, index in spectrograms:
        media.append(open_store(path, index, SPECTROGRAM_INDEX))
        if media[-1].metadata.get("front_end") != chosen.name:
            raise DataError(
                f"{index}: spectrograms of the front end {media[-1].metadata.get('front_end')}, "
                f"but {chosen.name} is needed; give the files of spectrograms/{chosen.name}"
            )
    for store in media:
        its &= np.isin(piece_id, store.piece_id)
    if not its.any():
        raise DataError(
            f"{snippets}: no snippet of the {fold} fold has its piece in {strips} and in all of "
            f"{[str(path) for path, _ in spectrograms]}; check the rejects of rendering and align"
        )
    piece_id = piece_id[its]
    strip_first, strip_stop = media[0].rows_of(piece_id)
    clips = [store.rows_of(piece_id) for store in media[1:]]
    frames = [
        onset_frame(fields["onset_s"][its] / float(store.metadata.get("tempo", 1)), chosen)
        for store in media[1:]
    ]
    return PairPool(
        strips=media[0].rows,
        spectrograms=[store.rows for store in media[1:]],
        strip_first=strip_first,
        strip_stop=strip_stop,
        column=fields["x_px"][its].astype(np.float64) / 2.0,
        frame_first=np.stack([first for first, _ in clips]),
        frame_stop=np.stack([stop for _, stop in clips]),
        frame=np.stack(frames),
        front_end=chosen,
        piece_id=piece_id,
        note=fields["note"][its].astype(np.int64),
        contents=tuple(store.metadata["sha256"] for store in media),
    )
