"""Applying a trained method to windows: of its own run or of another collection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ugaar.align.cca import CanonicalCorrelation
from ugaar.errors import DataError
from ugaar.models.projection import Projection
from ugaar.tables import MODALITIES
from ugaar.train.dataset import MODALITY_PAIRS, Features
from ugaar.train.embed import embed_distinct
from ugaar.train.linear import FittedPair
from ugaar.train.normalise import Normaliser

COMMON_SPACE = "common"

Spaces = dict[str, dict[str, NDArray[np.float32]]]
"""Space -> modality -> (n, d) embeddings."""


def project_pairs(pairs: Sequence[FittedPair], windows: Features) -> Spaces:
    """Embed windows by the CCA of each pair of modalities, each in a space of its own."""
    return {
        pair.space: {
            modality: embed_distinct(windows.vectors[modality], partial(pair.project, modality))
            for modality in pair.modalities
        }
        for pair in pairs
    }


def project_network(network: Projection, normaliser: Normaliser, windows: Features) -> Spaces:
    """Embed windows by a network in the common space.

    Args:
        network: on the CPU.
        normaliser: statistics of the training fold that the network was trained on.
        windows: windows with all modalities.
    """

    def embed(modality: str, rows: NDArray) -> NDArray:
        with torch.no_grad():
            return network.embed(modality, torch.from_numpy(rows)).numpy()

    return {
        COMMON_SPACE: {
            modality: embed_distinct(
                normaliser.apply(modality, windows.vectors[modality]), partial(embed, modality)
            )
            for modality in MODALITIES
        }
    }


def apply_model(model: Mapping[str, Any], windows: Features) -> tuple[Spaces, str]:
    """Embed windows by the content of a model file.

    Args:
        model: what `train` stored: a network or CCA pairs.
        windows: windows with all modalities.

    Returns:
        The embeddings, and the similarity that ranks them: cosine or euclidean.

    Raises:
        DataError: the model takes vectors of other lengths, or is neither kind.
    """
    if "weights" in model:
        return project_network(*_network(model, windows), windows), "euclidean"
    pairs = [
        FittedPair(
            pair,
            model["-".join(pair)]["ridge"],
            CanonicalCorrelation(
                **{
                    name: value.numpy()
                    for name, value in model["-".join(pair)].items()
                    if name != "ridge"
                }
            ),
        )
        for pair in MODALITY_PAIRS
        if "-".join(pair) in model
    ]
    if not pairs:
        raise DataError(f"model of method {model.get('method')!r}: nothing that can be applied")
    for pair in pairs:
        x_mean, y_mean = pair.analysis.x_mean, pair.analysis.y_mean
        for modality, mean in zip(pair.modalities, (x_mean, y_mean), strict=True):
            _check_length(modality, len(mean), windows)
    return project_pairs(pairs, windows), "cosine"


def _network(model: Mapping[str, Any], windows: Features) -> tuple[Projection, Normaliser]:
    mean = {modality: model[f"{modality} mean"].numpy() for modality in MODALITIES}
    scale = {modality: model[f"{modality} scale"].numpy() for modality in MODALITIES}
    sizes = {modality: len(values) for modality, values in mean.items()}
    for modality, size in sizes.items():
        _check_length(modality, size, windows)
    network = Projection(sizes, model["dimensions"], torch.Generator())
    network.load_state_dict(model["weights"])
    return network, Normaliser(mean, scale)


def _check_length(modality: str, expected: int, windows: Features) -> None:
    found = windows.vectors[modality].shape[1]
    if found != expected:
        raise DataError(
            f"the model was trained on {modality} vectors of {expected} numbers, these have "
            f"{found}: make both with the same encoders"
        )
