"""Tables of the retrieval of other versions of a work: recordings, alignments, scores, metrics."""

from __future__ import annotations

import pyarrow as pa

from ugaar.tables import F32, F64, I16, I32, STR, Column, Table

_RECORDING_ID = Column("recording_id", STR, "identifier of the recording: stem of its file name")
_WORK = Column("work", STR, "work that is played, such as Chopin_Op068No4")
_SYSTEM = Column(
    "system", STR, "raw (the shingle itself), pca, network, or chance (exact expectation)"
)
_DIMENSIONS = Column("dimensions", I32, "length of the code of a shingle; 0 for chance")
_GALLERY = Column("gallery", STR, "what is searched: test-works (of the query's fold) or all-works")
_ANSWERS = Column(
    "answers",
    STR,
    "shingles (right: any shingle of another version), passages (right: the aligned shingles; the "
    "rest of the work is left out) or recordings (right: another version)",
)
_QUERY_S = Column("query_s", I32, "length of the query, seconds; 0 = the whole recording")

RECORDINGS = Table(
    "recordings",
    "a recording of a work as chroma features, one vector a second",
    (
        _RECORDING_ID,
        _WORK,
        Column("collection", STR, "stratum of the folds: first part of the file name (composer)"),
        Column("performer", STR, "rest of the file name: performer, year, number of the track"),
        Column("path", STR, "file inside the source, relative to its root"),
        Column("n_frames", I32, "number of chroma vectors, one a second"),
        Column("n_mended", I32, "vectors that were silent or not of unit length"),
        Column(
            "chroma", pa.list_(pa.float32()), "unit vectors of 12, one after the other, C first"
        ),
    ),
)

VERSION_PAIRS = Table(
    "version_pairs",
    "two recordings of a work, the second laid on the first in time; both orders have a row",
    (
        _RECORDING_ID,
        Column("other_id", STR, "the recording that is laid on it"),
        _WORK,
        Column("distance", F32, "mean cosine distance of the chroma vectors that meet"),
        Column("place", pa.list_(I16), "for each second of the first: the second of the other"),
    ),
)

VERSION_FOLDS = Table(
    "version_folds",
    "a recording and the fold in which its work is tested",
    (
        _RECORDING_ID,
        _WORK,
        Column("copies", STR, "recordings that share this text are copies of one performance"),
        Column("fold", I32, "number of the fold, from 0; all versions of a work are in one"),
        Column("n_shingles", I32, "number of its shingles"),
    ),
)

VERSION_SCORES = Table(
    "version_scores",
    "how well the queries of one recording find other versions of its work",
    (
        _SYSTEM,
        _DIMENSIONS,
        Column("seed", I32, "training seed; 0 where nothing is drawn"),
        _GALLERY,
        _ANSWERS,
        _QUERY_S,
        _RECORDING_ID,
        _WORK,
        Column("n_queries", I32, "number of queries that have a right answer"),
        Column("gallery_size", I32, "number of items searched, without the query's own recording"),
        Column("precision_at_1", F64, "share of queries whose first answer is right"),
        Column("average_precision", F64, "mean average precision over the whole ranked list"),
        Column("chance_precision_at_1", F64, "exact expectation in random order"),
        Column("chance_average_precision", F64, "exact expectation in random order"),
    ),
)

VERSION_METRICS = Table(
    "version_metrics",
    "a retrieval metric of one system",
    (
        _SYSTEM,
        _DIMENSIONS,
        Column("seed", I32, "training seed; null = mean over seeds", nullable=True),
        _GALLERY,
        _ANSWERS,
        _QUERY_S,
        Column("mean_over", STR, "works (each counts the same) or recordings (each the same)"),
        Column("metric", STR, "P@1 or MAP, percent"),
        Column("value", F64, "value, mean over seeds where seed is null"),
        Column("std", F64, "standard deviation over seeds", nullable=True),
        Column(
            "ci_low",
            F64,
            "bootstrap interval over works or recordings, and seeds: low end",
            nullable=True,
        ),
        Column("ci_high", F64, "bootstrap interval over works and seeds: high end", nullable=True),
        Column("lowest", F64, "lowest value of a work or recording", nullable=True),
        Column("highest", F64, "highest value of a work or recording", nullable=True),
        Column("n_queries", I32, "number of queries"),
        Column("n_recordings", I32, "number of recordings that they come from"),
        Column("n_works", I32, "number of works"),
        Column("n_seeds", I32, "number of seeds behind the value; 0 = exact chance"),
    ),
)

VERSION_COMPARISONS = Table(
    "version_comparisons",
    "a paired difference between two systems over the same works",
    (
        _SYSTEM,
        _DIMENSIONS,
        Column("reference", STR, "the system it is compared with"),
        Column("reference_dimensions", I32, "length of that system's codes"),
        _GALLERY,
        _ANSWERS,
        _QUERY_S,
        Column("metric", STR, "P@1 or MAP, percentage points, mean over works"),
        Column("difference", F64, "system minus reference"),
        Column("ci_low", F64, "paired bootstrap interval over works and seeds: low end"),
        Column("ci_high", F64, "paired bootstrap interval over works and seeds: high end"),
        Column("n_better", I32, "works in which the system is better"),
        Column("n_works", I32, "number of works"),
    ),
)

TABLES = {table.name: table for table in list(globals().values()) if isinstance(table, Table)}
