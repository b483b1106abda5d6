"""The VGG of musicnn as a chain of convolutions: its batch norms folded, its dead channels removed.

Source: musicnn 0.1.0 (Pons and Serra 2019), model MTT_vgg. Each block is convolution 3 x 3, ReLU,
batch norm, max pooling. The folding is exact, for these reasons:

- Max pooling commutes with ReLU and with a non-decreasing affine map, so a block becomes
  convolution, pooling, ReLU, and an affine map per channel. A decreasing map is a non-decreasing
  one of the negated convolution with the ReLU turned round: min(., 0) in place of max(., 0).
- The affine map of block b moves into the kernel of block b + 1. Its shift cannot simply become a
  bias there, because zero padding follows batch norm; one extra channel of constant one carries it
  and is padded with zeros like the others.
- A third of the channels have kernels that training drove to zero: they are constants, which that
  extra channel carries as well.
- Pooling in the first block takes every other mel band only, so the convolution computes no others.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch.nn import functional

N_FRAMES = 187
N_MELS = 96
N_BLOCKS = 5
_EPSILON = 1e-3  # of TensorFlow's batch norm
# Largest weight in the kernel of a dead channel; in MTT_vgg 2e-10, and 4e-8 or more in the others.
_DEAD_BELOW = 1e-9


def _affine(variables: Mapping[str, np.ndarray], name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return scale and shift of a batch norm with stored statistics, float64."""
    gamma, beta, mean, variance = (
        variables[f"{name}/{part}"].astype(np.float64)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + _EPSILON)
    return scale, beta - mean * scale


class MusicnnVgg(torch.nn.Module):
    """The network up to one block; call it with patches, get the block's output."""

    def __init__(self, variables: Mapping[str, np.ndarray], blocks: int) -> None:
        """Fold the weights.

        Args:
            variables: variables of the checkpoint by name.
            blocks: number of blocks to compute, 1 to 5.
        """
        super().__init__()
        input_scale, input_shift = _affine(variables, "batch_normalization")
        self._input_scale, self._input_shift = float(input_scale[0]), float(input_shift[0])
        self._blocks = blocks
        # Every original channel is a weighted sum of the channels kept, the last of which is one.
        incoming = np.ones((1, 1))  # (original channels, channels kept)
        for number in range(1, blocks + 1):
            kernel = variables[f"{number}CNN/kernel"].astype(np.float64)  # (3, 3, in, out)
            bias = variables[f"{number}CNN/bias"].astype(np.float64)
            scale, shift = _affine(variables, f"batch_normalization_{number}")
            folded = np.einsum("hwio,ik->okhw", kernel, incoming)
            live = np.abs(kernel).max(axis=(0, 1, 2)) > _DEAD_BELOW
            sign = np.where(scale < 0, -1.0, 1.0)
            n_live = int(live.sum())
            weights = np.zeros((n_live + 1, *folded.shape[1:]))
            weights[:-1] = folded[live] * sign[live, None, None, None]
            biases = np.append(bias[live] * sign[live], 1.0)
            self._register(number, weights, biases, np.append(sign[live], 1.0))
            incoming = np.zeros((len(bias), n_live + 1))
            incoming[np.flatnonzero(live), np.arange(n_live)] = np.abs(scale[live])
            incoming[:, -1] = np.where(live, shift, np.maximum(bias, 0) * scale + shift)
        self.register_buffer("_outgoing", torch.from_numpy(incoming.T.astype(np.float32).copy()))

    def _register(
        self, number: int, weights: np.ndarray, biases: np.ndarray, sign: np.ndarray
    ) -> None:
        kernel = torch.from_numpy(weights.astype(np.float32))
        self.register_buffer(
            f"_kernel{number}", kernel.contiguous(memory_format=torch.channels_last)
        )
        self.register_buffer(f"_bias{number}", torch.from_numpy(biases.astype(np.float32)))
        lower = np.where(sign > 0, 0, -np.inf).astype(np.float32)[:, None, None]
        upper = np.where(sign > 0, np.inf, 0).astype(np.float32)[:, None, None]
        self.register_buffer(f"_lower{number}", torch.from_numpy(lower))
        self.register_buffer(f"_upper{number}", torch.from_numpy(upper))

    @torch.inference_mode()
    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """Return the output of the last computed block.

        Args:
            patches: log-mel patches (n, 187, 96).

        Returns:
            (n, time, frequency, 128): time and frequency are 92 x 48, 46 x 24, 23 x 12, 11 x 6
            and 2 x 1 for blocks 1 to 5.
        """
        x = (patches * self._input_scale + self._input_shift)[:, None]
        for number in range(1, self._blocks + 1):
            x = functional.conv2d(
                x.contiguous(memory_format=torch.channels_last),
                self.get_buffer(f"_kernel{number}"),
                self.get_buffer(f"_bias{number}"),
                stride=(1, 2) if number == 1 else 1,
                padding=1,
            )
            x = _pool_time(x) if number == 1 else functional.max_pool2d(x, 4 if number == 5 else 2)
            x = x.clamp(self.get_buffer(f"_lower{number}"), self.get_buffer(f"_upper{number}"))
        return x.permute(0, 2, 3, 1) @ self.get_buffer("_outgoing")


def _pool_time(x: torch.Tensor) -> torch.Tensor:
    """Max pooling of 4 rows with step 2, as two maxima (PyTorch's own is 60 times slower here)."""
    rows = (x.shape[2] - 4) // 2 + 1
    pairs = torch.maximum(x[:, :, 0 : 2 * rows + 2 : 2], x[:, :, 1 : 2 * rows + 2 : 2])
    return torch.maximum(pairs[:, :, :-1], pairs[:, :, 1:])
