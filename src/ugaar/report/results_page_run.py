"""A finished run, as the results page sees it: its folders, its tables, and numbers by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from ugaar.errors import ConfigError, DataError
from ugaar.evaluate.notes import feature_note
from ugaar.parquet_files import metadata_of, read_table
from ugaar.report.stage_costs import StageCost, stage_costs
from ugaar.score.split import PUBLISHED, SONG_DISJOINT
from ugaar.settings import Settings, load_yaml
from ugaar.splits import PlannedSplit, planned
from ugaar.tables import (
    COMPARISONS,
    FUNNEL,
    METRICS,
    MODALITIES,
    PROTOCOL_DIFFERENCES,
    RANKS,
    SPLIT_MEANS,
    TRANSFER,
    WINDOWS,
    Table,
)

NOT_PRINTED = ("dataset", "shards", "mirror", "device")
"""Settings that results do not depend on, and the name that is the heading."""

_RANKED = ("window_id", "gallery_size")
_PROTOCOLS = (SONG_DISJOINT, PUBLISHED)

Rows = Sequence[Mapping[str, Any]]


class Run:
    """One results folder; tables are read when they are first asked for.

    Args:
        folder: results/<dataset>.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise ConfigError(f"--runs: {folder} is no folder; give results/<dataset> of a run")
        self.folder = folder
        self.name = folder.resolve().name
        self._read: dict[Path, Rows] = {}

    @cached_property
    def config(self) -> Settings:
        """The configuration of the run, defaults included."""
        path = self.folder / "config.yaml"
        if not path.is_file():
            raise DataError(f"{path}: missing; finish the run with snakemake")
        return load_yaml(path)

    @property
    def music(self) -> Path:
        """The folder of the songs, windows, clips and strips: the run's own or another's."""
        try:
            shared = self.config.get("music_of")
        except DataError:
            shared = None
        return self.folder.parent / shared if shared else self.folder

    @cached_property
    def splits(self) -> dict[str, PlannedSplit]:
        """The splits of the run by name; without a readable configuration, those with a folder."""
        try:
            return planned(self.config)
        except (DataError, KeyError):
            found = [name for name in _PROTOCOLS if (self.folder / name).is_dir()]
            names = found or [SONG_DISJOINT]
            return {name: PlannedSplit(name, 0, [], main=True) for name in names}

    @property
    def protocols(self) -> list[str]:
        """The names of the protocols' own splits."""
        return [name for name, split in self.splits.items() if split.main]

    @property
    def methods(self) -> list[str]:
        """The methods of the configuration, empty where it is missing."""
        return sorted({method for split in self.splits.values() for method in split.methods})

    def rows(self, table: Table, split: str | None = None) -> Rows:
        """Return the rows of a table of the run, or of one of its splits.

        Raises:
            DataError: the file is missing or holds another table.
        """
        folder = self.folder / split if split else self.folder
        path = folder / f"{table.name}.parquet"
        if path not in self._read:
            self._read[path] = read_table(path, table).to_pylist()
        return self._read[path]

    def metrics(self, split: str) -> Rows:
        """Return the metrics of a split."""
        return self.rows(METRICS, split)

    def comparisons(self, split: str) -> Rows:
        """Return the paired differences of a split."""
        return self.rows(COMPARISONS, split)

    def funnel(self, split: str) -> Rows:
        """Return the funnel of a split."""
        return self.rows(FUNNEL, split)

    @property
    def differences(self) -> Rows:
        """What metrics change from one protocol to the other."""
        return self.rows(PROTOCOL_DIFFERENCES)

    @property
    def means(self) -> Rows:
        """Means over draws of the folds."""
        return self.rows(SPLIT_MEANS)

    @property
    def transfer(self) -> Rows:
        """Metrics of methods trained on another collection."""
        return self.rows(TRANSFER)

    def confidence(self, split: str) -> float:
        """Return the level of the intervals of a split in percent."""
        return 100 * float(self._metadata(split, "confidence"))

    def fold(self, split: str) -> str:
        """Return the fold that was ranked."""
        return self._metadata(split, "fold")

    def _metadata(self, split: str, key: str) -> str:
        path = self.folder / split / "metrics.parquet"
        self.metrics(split)
        found = metadata_of(path)
        if key not in found:
            raise DataError(f"{path}: metadata lack {key}; run the stage metrics again")
        return found[key]

    def galleries(self, split: str) -> list[int]:
        """Return the sizes of the galleries of a split, the whole fold first."""
        return sorted({row["gallery_size"] for row in self.metrics(split)}, reverse=True)

    def costs(self, variants: bool = True) -> list[StageCost]:
        """Return the cost of each stage."""
        return stage_costs(self.folder, variants)

    def n_windows(self) -> int:
        """Return the number of windows of the collection."""
        path = self.music / "windows.parquet"
        if not path.is_file():
            raise DataError(f"{path}: missing; run the stage window")
        return pq.read_metadata(path).num_rows

    def correlations(self, split: str) -> list[float]:
        """Return the canonical correlations of audio and sheet behind the ground truth."""
        path = self.folder / split / "ground_truth.parquet"
        if not path.is_file():
            raise DataError(f"{path}: missing; run the stage ground-truth")
        return json.loads(metadata_of(path).get("correlations", "[]"))

    def features(self, split: str) -> list[str]:
        """Return a sentence for each feature table: the encoder and its settings."""
        folder = self.folder / split / "features"
        notes = []
        for path in sorted(folder.glob("*.parquet")):
            if path.stem.endswith("_frames"):
                continue
            metadata = metadata_of(path)
            if "settings" in metadata:
                settings = {
                    key: _without_folders(value)
                    for key, value in json.loads(metadata["settings"]).items()
                }
                metadata["settings"] = json.dumps(settings)
            notes.append(feature_note(path.stem, metadata))
        if not notes:
            raise DataError(f"{folder}: no feature tables; finish the run with snakemake")
        return notes

    def content(self, split: str) -> dict[str, list[str]]:
        """Return the content hashes of the windows of the whole gallery, modality -> hashes."""
        ranks = read_table(self.folder / split / "ranks.parquet", RANKS, _RANKED)
        whole = pc.max(ranks["gallery_size"])
        ranked = pc.unique(ranks.filter(pc.equal(ranks["gallery_size"], whole))["window_id"])
        keys = {modality: f"{modality}_key" for modality in MODALITIES}
        columns = ["window_id", *keys.values()]
        windows = read_table(self.music / "windows.parquet", WINDOWS, columns)
        kept = windows.filter(pc.is_in(windows["window_id"], ranked))
        return {modality: kept[key].to_pylist() for modality, key in keys.items()}


def changed_settings(config: Settings, defaults: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield (key, value, default) of each setting that differs, in the order of the defaults.

    Settings that results do not depend on are left out; files are named without their folders.

    Args:
        config: the configuration of a run.
        defaults: the default configuration.
    """
    known, used = dict(_leaves(defaults)), dict(_leaves(config))
    for key in (*known, *(key for key in used if key not in known)):
        if key in NOT_PRINTED or key not in used or (key in known and known[key] == used[key]):
            continue
        default = _text(known[key]) if key in known else "no such key"
        yield key, _text(_without_folders(used[key])), default


def _leaves(config: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{above}{key}.")
        else:
            yield above + key, value


def _without_folders(value: object) -> object:
    return PurePath(value).name if isinstance(value, str) and "/" in value else value


def _text(value: object) -> str:
    return "null" if value is None else json.dumps(value, ensure_ascii=False).strip('"')
