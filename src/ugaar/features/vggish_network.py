"""The VGGish network, and its weights from any of the published PyTorch files.

Source: Hershey et al. 2017 and Google's AudioSet release; 72,141,184 parameters.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ugaar.errors import ConfigError, DataError

CONVOLUTIONS = ((1, 64), (64, 128), (128, 256), (256, 256), (256, 512), (512, 512))
POOLED_AFTER = (0, 1, 3, 5)
DENSE = ((12288, 4096), (4096, 4096), (4096, 128))
N_FRAMES = 96
N_MELS = 64
DIMENSIONS = 128
_QUANTISE_RANGE = 2.0


class VggishNetwork(torch.nn.Module):
    """Turns log-mel examples into 128-d embeddings."""

    def __init__(self, activation: str = "relu") -> None:
        """Build the layers with PyTorch's initial weights.

        Args:
            activation: relu ends with the last ReLU (releases of 2017-2020); linear leaves it out.
        """
        super().__init__()
        if activation not in ("relu", "linear"):
            raise ConfigError(
                f"features.audio.vggish.activation: {activation!r}; expected relu or linear"
            )
        self.last_relu = activation == "relu"
        self.convolutions = torch.nn.ModuleList(
            torch.nn.Conv2d(inputs, outputs, 3, padding=1) for inputs, outputs in CONVOLUTIONS
        )
        self.dense = torch.nn.ModuleList(
            torch.nn.Linear(inputs, outputs) for inputs, outputs in DENSE
        )

    def forward(self, examples: torch.Tensor) -> torch.Tensor:
        """Return embeddings (n, 128) of log-mel examples (n, 96, 64)."""
        x = examples[:, None].contiguous(memory_format=torch.channels_last)
        for number, convolution in enumerate(self.convolutions):
            x = functional.relu(convolution(x))
            if number in POOLED_AFTER:
                x = functional.max_pool2d(x, 2)
        # The weights come from TensorFlow: time, then frequency, then channel.
        x = x.permute(0, 2, 3, 1).flatten(1)
        for number, layer in enumerate(self.dense):
            x = layer(x)
            if number < len(self.dense) - 1 or self.last_relu:
                x = functional.relu(x)
        return x


def _read(path: Path, what: str) -> Mapping[str, Any]:
    """Return the mapping in a PyTorch file; only tensors are accepted, no code is run."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file; put the {what} there, see config/sources.tsv for its address"
        ) from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(f"{path}: not a PyTorch file of tensors; fetch it again") from error
    if not isinstance(found, Mapping):
        raise DataError(f"{path}: holds a {type(found).__name__}, expected named tensors")
    return found


def load_network(path: Path, activation: str) -> VggishNetwork:
    """Build the network with published weights.

    The published files name their layers differently (features.0 and embeddings.0, or fc.0, with or
    without a module prefix or an enclosing state_dict), but no two of the nine layers have weights
    of one shape, so the shape tells the layer.

    Args:
        path: the weights file.
        activation: relu or linear.

    Raises:
        ConfigError: the file is missing.
        DataError: it lacks a layer, or two tensors fit one layer.
    """
    found = _read(path, "VGGish weights")
    found = found.get("state_dict", found)
    network = VggishNetwork(activation)
    for layer in (*network.convolutions, *network.dense):
        shape = tuple(layer.weight.shape)
        names = [
            name
            for name, value in found.items()
            if isinstance(value, torch.Tensor)
            and tuple(value.shape) == shape
            and name.endswith("weight")
        ]
        bias = re.sub("weight$", "bias", names[0]) if names else ""
        if len(names) != 1 or bias not in found or tuple(found[bias].shape) != shape[:1]:
            raise DataError(
                f"{path}: expected one layer with a weight of shape {shape} and its bias, found "
                f"{names}; these are not VGGish weights"
            )
        with torch.no_grad():
            layer.weight.copy_(found[names[0]])
            layer.bias.copy_(found[bias])
    return network.eval().requires_grad_(False)


def load_pca(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvectors (128, 128) and means (128,) from the .npz or the PyTorch file.

    Raises:
        ConfigError: the file is missing.
        DataError: it holds no such arrays.
    """
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as archive:
                found: Mapping[str, Any] = dict(archive)
        else:
            found = _read(path, "PCA parameters of VGGish")
        vectors = np.asarray(found["pca_eigen_vectors"], dtype=np.float32)
        means = np.asarray(found["pca_means"], dtype=np.float32).reshape(-1)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path}: no such file; features.audio.vggish.pca names the PCA parameters, or none"
        ) from error
    except (KeyError, ValueError, OSError) as error:
        raise DataError(f"{path}: no PCA parameters of VGGish ({error})") from error
    if vectors.shape != (DIMENSIONS, DIMENSIONS) or means.shape != (DIMENSIONS,):
        raise DataError(
            f"{path}: PCA parameters of shapes {vectors.shape} and {means.shape}, expected "
            f"({DIMENSIONS}, {DIMENSIONS}) and ({DIMENSIONS},)"
        )
    return vectors, means


def postprocess(embeddings: np.ndarray, vectors: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Rotate, whiten, clip and quantise embeddings as in the AudioSet release.

    Args:
        embeddings: (n, 128).
        vectors: eigenvectors (128, 128), one per row.
        means: (128,).

    Returns:
        (n, 128), float32, whole numbers from 0 to 255: TensorFlow's release truncates, so does
        this; one PyTorch port rounds instead.
    """
    rotated = (embeddings - means) @ vectors.T
    clipped = np.clip(rotated, -_QUANTISE_RANGE, _QUANTISE_RANGE)
    scaled = (clipped + _QUANTISE_RANGE) * (255 / (2 * _QUANTISE_RANGE))
    return np.floor(scaled).astype(np.float32)
