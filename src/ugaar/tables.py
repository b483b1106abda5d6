"""Every table of the workflow, declared once: columns, types, units and meaning.

Parquet is the contract between the stages; `parquet_files` reads and writes it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

TICKS_PER_QUARTER = 10080
"""Notated time unit: divisible by 2^5, 3^2, 5 and 7, so tuplets down to 128ths are exact."""

MODALITIES = ("audio", "sheet", "lyrics")

DIRECTIONS = (
    "audio-to-lyrics",
    "lyrics-to-audio",
    "audio-to-sheet",
    "sheet-to-audio",
    "lyrics-to-sheet",
    "sheet-to-lyrics",
)


@dataclass(frozen=True)
class Column:
    """One column: its name (with the unit), Arrow type and meaning.

    A type of `None` stands for a vector of float32 whose length is the encoder's: it is checked
    to be a fixed-size list, of whatever size.
    """

    name: str
    type: pa.DataType | None
    meaning: str
    nullable: bool = False


@dataclass(frozen=True)
class Table:
    """A declared table: its name, what one row is, and its columns in order."""

    name: str
    row: str
    columns: tuple[Column, ...]

    def schema(self, vector_lengths: dict[str, int] | None = None) -> pa.Schema:
        """Return the Arrow schema, vectors having the given lengths (column name -> length)."""
        lengths = vector_lengths or {}
        return pa.schema(
            [
                pa.field(
                    column.name,
                    pa.list_(pa.float32(), lengths[column.name])
                    if column.type is None
                    else column.type,
                    nullable=column.nullable,
                )
                for column in self.columns
            ]
        )

    @property
    def column_names(self) -> list[str]:
        """The names of the columns, in order."""
        return [column.name for column in self.columns]


STR, I8, I16, I32, I64 = pa.string(), pa.int8(), pa.int16(), pa.int32(), pa.int64()
F32, F64, BYTES = pa.float32(), pa.float64(), pa.binary()


def _many(item: pa.DataType) -> pa.DataType:
    return pa.list_(item)


_WINDOW_ID = Column("window_id", STR, "identifier of the window: <song_id>-<index>")
_PROTOCOL = Column("protocol", STR, "split protocol: song-disjoint or published")
_METHOD = Column("method", STR, "retrieval method, as named in the config")
_SEED = Column("seed", I32, "training seed")
_DIRECTION = Column("direction", STR, "<query modality>-to-<gallery modality>")

_NOTE_LISTS = (
    Column("pitch", _many(I16), "MIDI pitch of each note"),
    Column("onset_s", _many(F64), "sounding onset of each note in seconds"),
    Column("duration_s", _many(F64), "sounding duration of each note in seconds"),
    Column("onset_tick", _many(I64), "notated onset, 10080 ticks a quarter note"),
    Column("duration_tick", _many(I64), "notated duration, 10080 ticks a quarter note"),
    Column("syllable", _many(STR), "syllable sung on each note, normalised"),
    Column("word", _many(STR), "word that the syllable belongs to, normalised"),
    Column("bar_tick", _many(I64), "starts of bars in ticks; empty where the source has none"),
    Column("meter_tick", _many(I64), "where each time signature starts, in ticks"),
    Column("meter", _many(STR), "time signatures such as 3/4, one for each meter_tick"),
)

SONGS = Table(
    "songs",
    "one voice part with lyrics",
    (
        Column("song_id", STR, "identifier: 12 hex digits of the hash of source, path and part"),
        Column("source", STR, "kind of source: music21, midi, lmd-lyrics or musicxml"),
        Column("collection", STR, "stratum of the split: composer or folder"),
        Column("path", STR, "file inside the source, relative to its root"),
        Column("part", STR, "name of the voice part or track"),
        Column("title", STR, "title, empty where unknown"),
        Column("composer", STR, "composer, empty where unknown"),
        Column("language", STR, "ISO 639-1 code of the lyrics, und where undetermined"),
        Column("verse", STR, "verse that the syllables come from"),
        Column("encoding", STR, "text encoding that the lyrics were read with"),
        Column("timing", STR, "notated (exact ticks) or performed (ticks not yet quantised)"),
        Column("tempo_source", STR, "score, midi or default"),
        Column("n_notes", I32, "number of syllable-note pairs"),
        *_NOTE_LISTS,
        Column("text", _many(STR), "text of each note as the source writes it"),
        Column("key_tick", _many(I64), "where each key signature starts, in ticks"),
        Column("key_fifths", _many(I8), "key signatures: number of sharps, negative for flats"),
    ),
)

WINDOWS = Table(
    "windows",
    "20 consecutive syllable-note pairs of a song; times count from its first note",
    (
        _WINDOW_ID,
        Column("song_id", STR, "the song it was cut from"),
        Column("index", I32, "number of the window in its song, from 0"),
        Column("collection", STR, "stratum of the split"),
        Column("language", STR, "ISO 639-1 code of the lyrics"),
        *_NOTE_LISTS,
        Column("key_fifths", I8, "key signature at the start: number of sharps", nullable=True),
        Column("quantise_error_s", F64, "largest shift of an onset by quantisation, seconds"),
        Column("audio_key", STR, "content hash of what sounds: equal keys sound the same"),
        Column("sheet_key", STR, "content hash of what is engraved: equal keys look the same"),
        Column("lyrics_key", STR, "content hash of syllables and words"),
        Column(
            "source_key",
            STR,
            "content hash of pitches, notated times and text, all as the source gives them",
        ),
    ),
)

REJECTS = Table(
    "rejects",
    "a file, song or window that was dropped",
    (
        Column("stage", STR, "stage that dropped it"),
        Column("level", STR, "file, song or window"),
        Column("item", STR, "identifier or path of what was dropped"),
        Column("path", STR, "source file it came from"),
        Column("reason", STR, "reason code, such as no-lyrics or silence-over-limit"),
        Column("detail", STR, "what was found"),
        Column("remedy", STR, "what the user can do"),
    ),
)

FUNNEL = Table(
    "funnel",
    "a step from files to kept windows",
    (
        Column("step", STR, "files, songs, notes, windows, distinct, rendered or a fold"),
        Column("reason", STR, "kept, or the reason code of a loss"),
        Column("count", I64, "number of items"),
    ),
)

SPLIT = Table(
    "split",
    "a window and the fold it belongs to",
    (
        _WINDOW_ID,
        Column("song_id", STR, "the song it was cut from"),
        Column("collection", STR, "stratum of the split"),
        Column("group", STR, "duplicate group: songs that share melody, lyrics or a run of text"),
        Column("group_size", I32, "number of windows in the group"),
        Column("fold", STR, "train, valid, test or duplicate (of another window; not used)"),
        _PROTOCOL,
    ),
)

AUDIO = Table(
    "audio",
    "a synthesised clip",
    (
        Column("audio_key", STR, "content hash of what sounds"),
        Column("flac", BYTES, "the clip, FLAC, mono"),
        Column("sample_rate_hz", I32, "sampling rate"),
        Column("n_samples", I64, "length in samples"),
        Column("duration_s", F64, "length in seconds"),
        Column("onset_s", _many(F64), "onset of each note in the clip, seconds"),
        Column("rms", F32, "root mean square, full scale = 1"),
        Column("peak", F32, "largest absolute sample, full scale = 1"),
        Column("flatness", F32, "spectral flatness of the whole clip, 0 tone to 1 noise"),
    ),
)

SHEET = Table(
    "sheet",
    "an engraved strip",
    (
        Column("sheet_key", STR, "content hash of what is engraved"),
        Column("png", BYTES, "the strip, 8-bit greyscale PNG, white paper = 255"),
        Column("width_px", I32, "width of the strip"),
        Column("height_px", I32, "height of the strip"),
        Column("staff_y_px", F32, "row of the middle staff line"),
        Column("note_index", _many(I16), "note that each notehead belongs to (ties: repeated)"),
        Column("notehead_x_px", _many(F32), "centre of each notehead, pixels from the left"),
    ),
)

AUDIO_PART = Table(
    "audio_part",
    "a frame of encoder output for one clip (one shard of features-audio)",
    (
        Column("audio_key", STR, "content hash of what sounds"),
        Column("frame", I32, "number of the frame in its clip, from 0"),
        Column("time_s", F32, "centre of the frame in the clip, seconds"),
        Column("embedding", None, "encoder output"),
    ),
)

SHEET_PART = Table(
    "sheet_part",
    "the codes of one strip (one shard of features-sheet)",
    (
        Column("sheet_key", STR, "content hash of what is engraved"),
        Column("codes", None, "unit-length codes of the crops, crop-major (100 x 32)"),
    ),
)

FEATURES_AUDIO = Table(
    "features_audio",
    "the mean audio feature of a window",
    (_WINDOW_ID, _PROTOCOL, Column("embedding", None, "mean over the frames of the clip")),
)

FEATURES_AUDIO_FRAMES = Table(
    "features_audio_frames",
    "an audio frame of a window",
    (
        _WINDOW_ID,
        _PROTOCOL,
        Column("frame", I32, "number of the frame in its clip, from 0"),
        Column("time_s", F32, "centre of the frame in the clip, seconds"),
        Column("embedding", None, "encoder output"),
    ),
)

FEATURES_SHEET = Table(
    "features_sheet",
    "the sheet features of a window",
    (
        _WINDOW_ID,
        _PROTOCOL,
        Column("codes", None, "unit-length codes of the crops, crop-major (100 x 32)"),
        Column("embedding", None, "mean of the codes"),
    ),
)

FEATURES_LYRICS = Table(
    "features_lyrics",
    "the lyrics features of a window",
    (
        _WINDOW_ID,
        _PROTOCOL,
        Column("codes", None, "per note: syllable vector, then word vector (20 x 20)"),
        Column("embedding", None, "mean over the notes"),
        Column("n_unknown_syllables", I16, "syllables outside the vocabulary"),
        Column("n_unknown_words", I16, "words outside the vocabulary"),
    ),
)

SKIPGRAM = Table(
    "skipgram",
    "a syllable or word of the skip-gram models that the lyrics features are made of",
    (
        Column("level", STR, "syllable or word"),
        Column("token", STR, "the syllable or word, normalised"),
        Column("count", I64, "occurrences in the training text"),
        Column("embedding", None, "its vector"),
    ),
)

GROUND_TRUTH = Table(
    "ground_truth",
    "a neighbour of a training window in the CCA space of audio and sheet",
    (
        _WINDOW_ID,
        Column("neighbour_id", STR, "window that counts as a match"),
        Column("position", I16, "1 is the nearest; the window itself is included"),
        Column("distance", F64, "Euclidean distance of the unit-length joint codes"),
        _PROTOCOL,
    ),
)

EMBEDDINGS = Table(
    "embeddings",
    "a window in one modality, embedded by a trained method; larger inner product = more similar "
    "after the similarity named in the file's metadata",
    (
        _WINDOW_ID,
        Column("space", STR, "common, or the pair of modalities that share this space"),
        Column("modality", STR, "audio, sheet or lyrics"),
        Column("embedding", _many(F32), "coordinates; their number may differ between spaces"),
    ),
)

HISTORY = Table(
    "history",
    "a value logged during training",
    (
        _METHOD,
        _SEED,
        Column("phase", STR, "part of the training, such as discriminator or adversarial"),
        Column("epoch", I32, "epoch or round, from 1"),
        Column("metric", STR, "what was measured"),
        Column("value", F64, "its value"),
    ),
)

RANKS = Table(
    "ranks",
    "the rank of the right answer of one query",
    (
        _PROTOCOL,
        _METHOD,
        _SEED,
        _DIRECTION,
        _WINDOW_ID,
        Column("n_better", I32, "gallery items strictly better than the right answer"),
        Column("n_tied", I32, "items tied with the right answer, itself included"),
        Column("gallery_size", I32, "number of gallery items: the whole fold, or cut from it"),
    ),
)

METRICS = Table(
    "metrics",
    "a retrieval metric of one method in one direction",
    (
        _PROTOCOL,
        Column("method", STR, "retrieval method, or chance: the exact values of a random order"),
        Column("seed", I32, "training seed; null = mean over seeds", nullable=True),
        _DIRECTION,
        Column("metric", STR, "R@1, R@5, R@10 (percent), MedR, MeanR, MRR or MedR/N"),
        Column("value", F64, "value, mean over seeds where seed is null"),
        Column("std", F64, "standard deviation over seeds", nullable=True),
        Column("ci_low", F64, "bootstrap interval over queries and seeds: low end", nullable=True),
        Column(
            "ci_high", F64, "bootstrap interval over queries and seeds: high end", nullable=True
        ),
        Column("n_queries", I32, "number of queries"),
        Column("gallery_size", I32, "number of gallery items"),
        Column("n_seeds", I32, "number of seeds behind the value; 0 = exact chance"),
    ),
)

COMPARISONS = Table(
    "comparisons",
    "a paired difference between two methods on the same queries",
    (
        _PROTOCOL,
        Column("method", STR, "the method"),
        Column("reference", STR, "the method it is compared with"),
        Column("direction", STR, "direction, or mean over the six"),
        Column("metric", STR, "metric that is compared"),
        Column("difference", F64, "method minus reference"),
        Column("ci_low", F64, "paired bootstrap interval: low end"),
        Column("ci_high", F64, "paired bootstrap interval: high end"),
    ),
)

SPLIT_MEANS = Table(
    "split_means",
    "a metric of one method in one direction over several draws of the folds",
    (
        _PROTOCOL,
        _METHOD,
        _DIRECTION,
        Column("metric", STR, "R@1, R@5, R@10 (percent), MedR, MeanR, MRR or MedR/N"),
        Column("gallery_size", I32, "number of gallery items"),
        Column("n_splits", I32, "number of draws"),
        Column("value", F64, "mean over the draws of the means over seeds"),
        Column("std", F64, "standard deviation over draws; null for one", nullable=True),
        Column("lowest", F64, "smallest of the draws"),
        Column("highest", F64, "largest of the draws"),
    ),
)

PROTOCOL_DIFFERENCES = Table(
    "protocol_differences",
    "what a metric changes from song-disjoint to published folds, at equal gallery size",
    (
        _METHOD,
        _DIRECTION,
        Column("metric", STR, "R@1 (percent), MedR or MedR/N"),
        Column("gallery_size", I32, "number of gallery items"),
        Column("song_disjoint", F64, "value where duplicate groups lie in one fold"),
        Column("published", F64, "value where duplicates are kept and windows drawn at random"),
        Column("difference", F64, "published minus song-disjoint"),
        Column("ci_low", F64, "bootstrap interval of the difference: low end"),
        Column("ci_high", F64, "bootstrap interval of the difference: high end"),
    ),
)

TRANSFER = Table(
    "transfer",
    "a metric of one method trained on one collection and tested on another",
    (
        _PROTOCOL,
        _METHOD,
        Column("trained_on", STR, "dataset whose training fold the method was fitted to"),
        Column("tested_on", STR, "dataset whose test fold was ranked"),
        _DIRECTION,
        Column("metric", STR, "R@1, R@5, R@10 (percent), MedR, MeanR, MRR or MedR/N"),
        Column("value", F64, "mean over training seeds"),
        Column("std", F64, "standard deviation over seeds", nullable=True),
        Column("ci_low", F64, "bootstrap interval over queries and seeds: low end", nullable=True),
        Column(
            "ci_high", F64, "bootstrap interval over queries and seeds: high end", nullable=True
        ),
        Column("n_queries", I32, "number of queries"),
        Column("gallery_size", I32, "number of gallery items"),
        Column("n_seeds", I32, "number of seeds behind the value"),
    ),
)

TABLES = {table.name: table for table in list(globals().values()) if isinstance(table, Table)}
