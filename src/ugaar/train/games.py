"""What is asked and what is drawn in the adversarial game: candidates and truths of a query.

In the game of the paper (eqs 3-5) the query is the lyrics and pairs of audio and sheet are drawn.
The paper writes a general query q in eqs 5-9; UGACH, whose equations they are, plays one game
in each direction of retrieval. `queries: all` does so here.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from ugaar.models.generator import pair_log_probabilities, split_pairs
from ugaar.models.losses import pair_point, squared_distances
from ugaar.models.projection import Projection
from ugaar.train.model_settings import ModelSettings
from ugaar.train.training_set import TrainingSet


class Game(Protocol):
    """One kind of query; b items in a batch, c candidates for each."""

    query: str

    def log_probabilities(self, points: dict[str, Tensor]) -> Tensor:
        """Return (b, c) log-probabilities of the candidates, from the generator's points."""

    def drawn_points(self, points: dict[str, Tensor], columns: Tensor) -> Tensor:
        """Return (b, draws, d) points of the candidates in `columns` (b, draws)."""

    def true_points(self, network: Projection, rows: Tensor, chance: torch.Generator) -> Tensor:
        """Return (b, d) points of one true answer for each item, drawn where there are several."""

    def true_candidates(self, rows: Tensor) -> Tensor:
        """Return which candidates (b, c) equal a true answer in content."""


def games_of(settings: ModelSettings, train: TrainingSet, neighbours: Tensor) -> list[Game]:
    """Return the games of a training.

    Args:
        settings: the model section.
        train: training items.
        neighbours: (n, k) rows that count as true for each training row.
    """
    games: list[Game] = [PairGame(settings, train, neighbours)]
    if settings.queries == "all":
        directions = [("audio", "sheet"), ("sheet", "audio")]
        if settings.use_lyrics_pairs:
            directions += [("audio", "lyrics"), ("sheet", "lyrics")]
        games += [ItemGame(*direction, settings, train, neighbours) for direction in directions]
    return games


class PairGame:
    """Lyrics ask for a pair of audio and sheet (eqs 3-5)."""

    query = "lyrics"

    def __init__(self, settings: ModelSettings, train: TrainingSet, neighbours: Tensor) -> None:
        self._settings, self._train, self._neighbours = settings, train, neighbours

    def log_probabilities(self, points: dict[str, Tensor]) -> Tensor:
        """Return log p(J | z); see `pair_log_probabilities`."""
        return pair_log_probabilities(
            points["lyrics"],
            points["audio"],
            points["sheet"],
            self._settings.temperature * self._settings.distance_unit,
            self._settings.candidates,
        )

    def drawn_points(self, points: dict[str, Tensor], columns: Tensor) -> Tensor:
        """Return (b, draws, d) points of drawn pairs."""
        audio, sheet = split_pairs(columns, len(columns), self._settings.candidates)
        return pair_point(points["audio"][audio], points["sheet"][sheet])

    def true_points(self, network: Projection, rows: Tensor, chance: torch.Generator) -> Tensor:
        """Return (b, d) points of one true pair for each item."""
        audio, sheet = self._true_rows(rows)
        pick = _pick(audio, chance)
        vectors = self._train.vectors
        return pair_point(
            network.embed("audio", vectors["audio"][audio.gather(1, pick)[:, 0]]),
            network.embed("sheet", vectors["sheet"][sheet.gather(1, pick)[:, 0]]),
        )

    def true_candidates(self, rows: Tensor) -> Tensor:
        """Return which pairs (b, c) sound and look like a true pair."""
        audio, sheet = self._true_rows(rows)
        content = self._train.content
        is_audio = content["audio"][audio][:, :, None] == content["audio"][rows]
        is_sheet = content["sheet"][sheet][:, :, None] == content["sheet"][rows]
        if self._settings.candidates == "paired":
            return (is_audio & is_sheet).any(dim=1)
        return (is_audio.mT.float() @ is_sheet.float() > 0).flatten(1)

    def _true_rows(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (b, k) rows of audio and of sheet in the true pairs of each item."""
        neighbours = self._neighbours[rows]
        if self._settings.truth_pairs == "mixed":
            return rows[:, None].expand_as(neighbours), neighbours
        return neighbours, neighbours


class ItemGame:
    """One modality asks for items of another, as in UGACH; the batch holds the candidates."""

    def __init__(
        self,
        query: str,
        gallery: str,
        settings: ModelSettings,
        train: TrainingSet,
        neighbours: Tensor,
    ) -> None:
        self.query, self._gallery = query, gallery
        self._settings, self._train, self._neighbours = settings, train, neighbours

    def log_probabilities(self, points: dict[str, Tensor]) -> Tensor:
        """Return (b, b) log-probabilities, the softmax of eq. 3 with an item in place of J."""
        temperature = self._settings.temperature * self._settings.distance_unit
        distances = squared_distances(points[self.query], points[self._gallery])
        return functional.log_softmax(-distances / temperature, dim=1)

    def drawn_points(self, points: dict[str, Tensor], columns: Tensor) -> Tensor:
        """Return (b, draws, d) points of drawn items."""
        return points[self._gallery][columns]

    def true_points(self, network: Projection, rows: Tensor, chance: torch.Generator) -> Tensor:
        """Return (b, d) points of one true item for each item."""
        true = self._neighbours[rows]
        chosen = true.gather(1, _pick(true, chance))[:, 0]
        return network.embed(self._gallery, self._train.vectors[self._gallery][chosen])

    def true_candidates(self, rows: Tensor) -> Tensor:
        """Return which items (b, b) equal a true one in content."""
        content = self._train.content[self._gallery]
        true = content[self._neighbours[rows]]
        return (true[:, :, None] == content[rows]).any(dim=1)


def _pick(true: Tensor, chance: torch.Generator) -> Tensor:
    """Draw one of the k true answers (b, k) of each item; return columns (b, 1)."""
    return torch.randint(true.shape[1], (len(true), 1), generator=chance, device=true.device)
