"""A network that shortens a shingle to a few numbers, trained on triplets.

Zalkow and Müller (Applied Sciences 2020, 10(1), 19) reduce 12 x 20 shingles by a Siamese network
with a triplet loss. Paper: its layers, margin and sampling of triplets; here: a stand-in of our own
for each of them, because the paper's could not be obtained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Convolution(nn.Conv2d):
    """A 3 x 3 convolution that keeps the size of its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3)

    def forward(self, planes: Tensor) -> Tensor:
        """Return (n, outputs, 12, T) of (n, inputs, 12, T)."""
        circled = functional.pad(planes, (0, 0, 1, 1), mode="circular")
        return super().forward(functional.pad(circled, (1, 1, 0, 0)))


class ShingleNetwork(nn.Module):
    """Three convolutions and two dense layers.

    B is next to C: the pitch axis is padded in a circle, the time axis with silence.

    Args:
        length: chroma vectors in a shingle.
        dimensions: numbers in a code.
        unit_length: put codes on the unit sphere, which takes one of the dimensions away.
    """

    def __init__(self, length: int, dimensions: int, unit_length: bool = False) -> None:
        super().__init__()
        self.length, self.dimensions, self.unit_length = length, dimensions, unit_length
        self.convolutions = nn.Sequential(
            _Convolution(1, 16),
            nn.ELU(),
            _Convolution(16, 32),
            nn.ELU(),
            nn.MaxPool2d((1, 2)),
            _Convolution(32, 64),
            nn.ELU(),
        )
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * 12 * (length // 2), 128),
            nn.ELU(),
            nn.Linear(128, dimensions),
        )

    def forward(self, shingles: Tensor) -> Tensor:
        """Return (n, dimensions) codes of (n, 12, length) shingles."""
        codes = self.dense(self.convolutions(shingles[:, None]))
        return functional.normalize(codes) if self.unit_length else codes


def new_network(
    length: int, dimensions: int, seed: int, unit_length: bool = False
) -> ShingleNetwork:
    """Return a network whose weights are drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ShingleNetwork(length, dimensions, unit_length)


def triplet_loss(
    anchors: Tensor, positives: Tensor, works: Tensor, margin: float, negatives: str
) -> Tensor:
    """Return the mean of max(0, d(a, p) - d(a, n) + margin) over the triplets of a batch.

    Args:
        anchors: (n, d) codes.
        positives: (n, d) codes of the same passages in other versions.
        works: (n,) number of each pair's work.
        margin: in Euclidean distance, which is 2 at most where codes have unit length.
        negatives: all (positives of other works), semi-hard (the nearest of them that is farther
            than the positive; where there is none, the farthest) or hardest (the nearest).

    Returns:
        A scalar; 0 where all pairs are of one work.
    """
    squares = anchors.square().sum(1)[:, None] + positives.square().sum(1)
    # The square root has no gradient at 0.
    distances = (squares - 2.0 * anchors @ positives.T).clamp_min(1e-12).sqrt()
    right = distances.diagonal()[:, None]
    other = works[:, None] != works[None, :]
    if negatives != "all":
        far = torch.where(other, distances.detach(), torch.inf)
        if negatives == "semi-hard":
            harder = far <= right.detach()
            beyond = torch.where(harder, torch.inf, far)
            none = torch.isinf(beyond).all(dim=1)
            farthest = torch.where(other, distances.detach(), -torch.inf).argmax(dim=1)
            chosen = torch.where(none, farthest, beyond.argmin(dim=1))
        else:
            chosen = far.argmin(dim=1)
        picked = torch.zeros_like(other)
        picked[torch.arange(len(works)), chosen] = True
        other = other & picked
    terms = functional.relu(right - distances + margin)[other]
    return terms.sum() / max(len(terms), 1)
