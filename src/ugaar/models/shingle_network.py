"""A network that shortens a shingle to a few numbers, trained on triplets.

Zalkow and Müller (Applied Sciences 2020, 10(1), 19) reduce 12 x 20 shingles by a Siamese network
with a triplet loss. Paper: its layers, margin and sampling of triplets; here: a stand-in of our own
for each of them, because the paper's could not be obtained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class ShingleNetwork(nn.Module):
    """Three convolutions and two dense layers; codes have unit length.

    Args:
        length: chroma vectors in a shingle.
        dimensions: numbers in a code.
    """

    def __init__(self, length: int, dimensions: int) -> None:
        super().__init__()
        self.length, self.dimensions = length, dimensions
        self.convolutions = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ELU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ELU(),
            nn.MaxPool2d((1, 2)),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ELU(),
        )
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * 12 * (length // 2), 128),
            nn.ELU(),
            nn.Linear(128, dimensions),
        )

    def forward(self, shingles: Tensor) -> Tensor:
        """Return (n, dimensions) unit codes of (n, 12, length) shingles."""
        return functional.normalize(self.dense(self.convolutions(shingles[:, None])))


def new_network(length: int, dimensions: int, seed: int) -> ShingleNetwork:
    """Return a network whose weights are drawn from the seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ShingleNetwork(length, dimensions)


def triplet_loss(
    anchors: Tensor, positives: Tensor, works: Tensor, margin: float, negatives: str
) -> Tensor:
    """Return the mean of max(0, d(a, p) - d(a, n) + margin) over the triplets of a batch.

    Args:
        anchors: (n, d) unit codes.
        positives: (n, d) unit codes of the same passages in other versions.
        works: (n,) number of each pair's work.
        margin: in Euclidean distance, which is 2 at most.
        negatives: all (positives of other works), semi-hard (the nearest of them that is farther
            than the positive; where there is none, the farthest) or hardest (the nearest).

    Returns:
        A scalar; 0 where all pairs are of one work.
    """
    # The square root has no gradient at 0.
    distances = (2.0 - 2.0 * anchors @ positives.T).clamp_min(1e-12).sqrt()
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
