"""Training of the shingle network on aligned pairs, with checkpoints to resume from after a kill.

Every random choice of a step comes from (seed, step), so a run that was killed and resumed gives
the weights of an uninterrupted one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ugaar.errors import DataError
from ugaar.models.shingle_network import ShingleNetwork, triplet_loss
from ugaar.progress import Progress
from ugaar.train.history import HistoryRow
from ugaar.train.learning_rate import cosine_rate
from ugaar.train.pair_checkpoint import PairCheckpoint, TrainingState
from ugaar.versions.pairs import PairPool
from ugaar.versions.recordings import Shingles

_CHUNK = 1000


@dataclass(frozen=True)
class ShinglePlan:
    """Settings of the training; see `versions.training` of the config.

    Attributes:
        steps: training steps.
        batch_size: pairs in a batch.
        learning_rate: of Adam; it falls to zero along a cosine.
        margin: of the triplet loss, Euclidean distance.
        negatives: all, semi-hard or hardest.
        transpose: rotate both shingles of a pair by the same random number of semitones; a work in
            another key then counts as another work.
        reverse: play both shingles of half of the pairs backwards: again another work.
        log_every: steps between two entries of the history.
        seed: of weights, pairs and transpositions.
        unit_length: of the network's codes.
    """

    steps: int
    batch_size: int
    learning_rate: float
    margin: float
    negatives: str
    transpose: bool
    reverse: bool
    log_every: int
    seed: int
    unit_length: bool = False


def batch(
    shingles: Shingles, pool: PairPool, plan: ShinglePlan, step: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Return the anchors, positives and works of a step.

    Returns:
        Two arrays (batch, 12, length), and (batch,) numbers of works. A work that is rotated or
        played backwards has a number of its own: up to 24 works come of each.
    """
    generator = np.random.default_rng([plan.seed, 1, step])
    numbers, works = pool.draw(plan.batch_size, generator)
    anchors, positives = (shingles.cut(part[numbers]) for part in (pool.anchor, pool.positive))
    if plan.transpose:
        shift = generator.integers(12, size=plan.batch_size)
        rows = ((np.arange(12) - shift[:, None]) % 12)[:, :, None]
        anchors, positives = (np.take_along_axis(part, rows, 1) for part in (anchors, positives))
        works = 12 * works + shift
    if plan.reverse:
        backwards = generator.integers(2, size=plan.batch_size)
        for part in (anchors, positives):
            part[backwards == 1] = part[backwards == 1, :, ::-1]
        works = 2 * works + backwards
    return anchors, positives, works


def train_shingles(
    network: ShingleNetwork,
    shingles: Shingles,
    pool: PairPool,
    plan: ShinglePlan,
    device: torch.device,
    checkpoint: Path | None = None,
    logged: Callable[[int], None] | None = None,
) -> list[HistoryRow]:
    """Train a network in place.

    Args:
        network: the network, with random weights.
        shingles: all shingles.
        pool: pairs of the training works.
        plan: settings.
        device: where to compute.
        checkpoint: file that the state is saved to and resumed from.
        logged: called with the step after each entry of the history.

    Returns:
        The mean loss and the share of triplets within the margin, every `log_every` steps.

    Raises:
        DataError: there are fewer than two works or fewer pairs than a batch, the checkpoint is of
            another training, or training diverged.
    """
    if len(pool.starts) < 3:
        raise DataError("pairs of two works at least are needed: other works give the negatives")
    if len(pool.anchor) < plan.batch_size:
        raise DataError(
            f"{len(pool.anchor)} training pairs are fewer than a batch of {plan.batch_size}; "
            "lower versions.training.batch_size or add recordings"
        )
    network.to(device).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.learning_rate)
    saved = None
    if checkpoint is not None:
        saved = PairCheckpoint(checkpoint, _identity(network, shingles, pool, plan))
    state = TrainingState()
    if saved is not None:
        saved.resume(network, optimiser, state)
    losses: list[float] = []
    progress = Progress(plan.steps)
    progress.done = state.step
    while state.step < plan.steps:
        state.step += 1
        anchors, positives, works = batch(shingles, pool, plan, state.step)
        codes = network(torch.from_numpy(np.concatenate([anchors, positives])).to(device))
        first, second = codes.chunk(2)
        loss = triplet_loss(
            first, second, torch.from_numpy(works).to(device), plan.margin, plan.negatives
        )
        losses.append(loss.item())
        if not np.isfinite(losses[-1]):
            raise DataError(
                f"{network.dimensions}-dimensional shingle network, seed {plan.seed}: the loss is "
                f"{losses[-1]} at step {state.step}; lower versions.training.learning_rate. The "
                f"last checkpoint is kept{f' in {checkpoint}' if checkpoint else ''}"
            )
        for group in optimiser.param_groups:
            group["lr"] = cosine_rate(plan.learning_rate, state.step, plan.steps)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        progress.step()
        if state.step % plan.log_every and state.step < plan.steps:
            continue
        state.history.append(("train", state.step, "loss", float(np.mean(losses))))
        losses.clear()
        if logged is not None:
            logged(state.step)
        if saved is not None:
            saved.save(network, optimiser, state)
    network.to("cpu").eval()
    return state.history


@torch.inference_mode()
def encode(
    network: ShingleNetwork, shingles: Shingles, numbers: NDArray[np.integer], device: torch.device
) -> NDArray[np.float32]:
    """Return (n, dimensions) codes of some shingles."""
    network.to(device).eval()
    found = np.empty((len(numbers), network.dimensions), np.float32)
    for start in range(0, len(numbers), _CHUNK):
        part = torch.from_numpy(shingles.cut(numbers[start : start + _CHUNK]))
        found[start : start + _CHUNK] = network(part.to(device)).cpu().numpy()
    network.to("cpu")
    return found


def _identity(
    network: ShingleNetwork, shingles: Shingles, pool: PairPool, plan: ShinglePlan
) -> dict[str, Any]:
    data = hashlib.sha256()
    for part in (*shingles.chroma, pool.anchor, pool.positive, pool.starts):
        data.update(np.ascontiguousarray(part).tobytes())
    return {
        "plan": asdict(plan),
        "length": network.length,
        "dimensions": network.dimensions,
        "pairs": data.hexdigest(),
    }
