"""Training of the audio-sheet encoder on aligned pairs, with resumable checkpoints.

Every random choice of a step comes from (seed, step), so a run that was killed and resumed gives
the weights of an uninterrupted one.
"""

from __future__ import annotations

import copy
import io
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ugaar.atomic import atomic_path
from ugaar.errors import DataError
from ugaar.models.asmcmr import AudioSheetEncoder
from ugaar.models.encoder_file import read_tensors
from ugaar.models.ranking_losses import contrastive, pairwise_ranking
from ugaar.progress import Progress
from ugaar.train.snippets import Snippets

VALIDATION_CCA_PAIRS = 1000
"""Training pairs that the CCA layer is refitted on before a validation."""

FINAL_CCA_PAIRS = 5000
"""Training pairs of the last refit. Paper: 25,000; here: 5,000, because 32 x 32 covariances no
longer change in the second digit and the pass costs a tenth of the training."""

_CHUNK = 100


@dataclass(frozen=True)
class TrainingPlan:
    """Settings of the training; see the encoder section of the config.

    Attributes:
        steps: training steps.
        batch_size: pairs in a batch.
        learning_rate: of Adam.
        schedule: constant, or cosine (falls to zero over the steps).
        loss: ranking or contrastive.
        margin: of the ranking loss.
        temperature: of the contrastive loss.
        weight_decay: factor of the sum of squared parameters.
        validate_every: steps between validations.
        precision: float32, or bfloat16 for the towers.
        seed: of weights, batches and augmentation.
    """

    steps: int
    batch_size: int
    learning_rate: float
    schedule: str
    loss: str
    margin: float
    temperature: float
    weight_decay: float
    validate_every: int
    precision: str
    seed: int


@dataclass
class _State:
    step: int = 0
    best_score: float = -1.0
    best: dict[str, Tensor] = field(default_factory=dict)
    history: list[tuple[str, int, str, float]] = field(default_factory=list)


def train_encoder(
    encoder: AudioSheetEncoder,
    train: Snippets,
    valid: Snippets,
    plan: TrainingPlan,
    device: torch.device,
    checkpoint: Path | None = None,
    after_checkpoint: Callable[[int], None] | None = None,
) -> list[tuple[str, int, str, float]]:
    """Train an encoder in place; keep the weights with the best validation, then refit its CCA.

    Args:
        encoder: the encoder, with random weights.
        train: pairs of the training fold.
        valid: pairs of the validation fold, all used in each validation.
        plan: settings.
        device: where to compute.
        checkpoint: file that the state is saved to after each validation and resumed from; one
            of another plan, design or training pool is ignored.
        after_checkpoint: called with the step after each save, for tests that stop there.

    Returns:
        The history: (phase, step, metric, value) rows.

    Raises:
        DataError: the training pool is smaller than a batch, or the training diverged.
    """
    if len(train) < plan.batch_size:
        raise DataError(
            f"{len(train)} training pairs are fewer than a batch of {plan.batch_size}; "
            "lower encoder.batch_size or add music"
        )
    # Channels last is twice as fast on CPUs here.
    encoder.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    # Adam's weight_decay adds its product with the parameter to the gradient; the derivative of
    # w x sum of squares is twice that.
    optimiser = torch.optim.Adam(
        encoder.parameters(), lr=plan.learning_rate, weight_decay=2.0 * plan.weight_decay
    )
    state = _State()
    identity = {
        "plan": asdict(plan),
        "design": encoder.design.as_dict(),
        "pairs": [train.digest(), valid.digest()],
    }
    if checkpoint is not None and checkpoint.exists():
        _resume(checkpoint, identity, encoder, optimiser, state)

    def checkpointed() -> None:
        if checkpoint is not None:
            _save(checkpoint, identity, encoder, optimiser, state)
            if after_checkpoint is not None:
                after_checkpoint(state.step)

    try:
        _run_steps(encoder, optimiser, state, train, valid, plan, device, checkpointed)
    except (ArithmeticError, torch.linalg.LinAlgError) as error:
        raise DataError(
            f"encoder training diverged at step {state.step} ({error}); lower encoder.learning_rate"
        ) from error
    encoder.load_state_dict(state.best)
    _refit(encoder, train.spaced(FINAL_CCA_PAIRS), plan, device)
    scores = validate(encoder, valid, plan.precision, device)
    encoder.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
    return state.history + [("refitted", plan.steps, name, value) for name, value in scores.items()]


def _run_steps(
    encoder: AudioSheetEncoder,
    optimiser: torch.optim.Optimizer,
    state: _State,
    train: Snippets,
    valid: Snippets,
    plan: TrainingPlan,
    device: torch.device,
    validated: Callable[[], None],
) -> None:
    """Run the steps that are left; call `validated` after each validation."""
    batches = _batches(len(train), plan, state.step)
    progress = Progress(plan.steps)
    progress.done = state.step
    losses: list[float] = []
    while state.step < plan.steps:
        state.step += 1
        for group in optimiser.param_groups:
            group["lr"] = _learning_rate(plan, state.step)
        generator = np.random.default_rng([plan.seed, 1, state.step])
        pair = train.cut(next(batches), encoder.design.frames, generator)
        losses.append(_step(encoder, optimiser, pair, plan, device))
        progress.step()
        if state.step % plan.validate_every and state.step < plan.steps:
            continue
        _refit(encoder, train.spaced(VALIDATION_CCA_PAIRS), plan, device)
        scores = validate(encoder, valid, plan.precision, device)
        score = (scores["MRR audio-to-sheet"] + scores["MRR sheet-to-audio"]) / 2.0
        state.history.append(("train", state.step, "loss", float(np.mean(losses))))
        state.history += [("valid", state.step, name, value) for name, value in scores.items()]
        logging.info("step %d: loss %.4f, validation MRR %.4f", state.step, np.mean(losses), score)
        losses.clear()
        if score > state.best_score:
            state.best_score = score
            state.best = copy.deepcopy(encoder.state_dict())
        validated()


def _learning_rate(plan: TrainingPlan, step: int) -> float:
    if plan.schedule == "constant":
        return plan.learning_rate
    return plan.learning_rate * 0.5 * (1.0 + math.cos(math.pi * (step - 1) / plan.steps))


def _batches(n_pairs: int, plan: TrainingPlan, done: int) -> Iterator[np.ndarray]:
    """Yield batches of a reshuffled pool, from step `done` on."""
    per_epoch = n_pairs // plan.batch_size
    epoch, place = divmod(done, per_epoch)
    while True:
        order = np.random.default_rng([plan.seed, 0, epoch]).permutation(n_pairs)
        for batch in range(place, per_epoch):
            yield order[batch * plan.batch_size : (batch + 1) * plan.batch_size]
        epoch, place = epoch + 1, 0


def _towers(
    encoder: AudioSheetEncoder,
    pair: tuple[np.ndarray, np.ndarray],
    precision: str,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    crops, excerpts = (
        torch.from_numpy(part).to(device).contiguous(memory_format=torch.channels_last)
        for part in pair
    )
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        sheet, audio = encoder.sheet(crops), encoder.audio(excerpts)
    return sheet.float(), audio.float()


def _step(
    encoder: AudioSheetEncoder,
    optimiser: torch.optim.Optimizer,
    pair: tuple[np.ndarray, np.ndarray],
    plan: TrainingPlan,
    device: torch.device,
) -> float:
    encoder.train()
    sheet, audio = _towers(encoder, pair, plan.precision, device)
    sheet, audio = encoder.cca(sheet, audio)
    sheet, audio = (torch.nn.functional.normalize(codes) for codes in (sheet, audio))
    loss = (
        pairwise_ranking(sheet, audio, plan.margin)
        if plan.loss == "ranking"
        else contrastive(sheet, audio, plan.temperature)
    )
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    return loss.item()


@torch.inference_mode()
def _tower_codes(
    encoder: AudioSheetEncoder, pairs: Snippets, precision: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    encoder.eval()
    chunks = [
        _towers(
            encoder,
            pairs.cut(range(start, min(start + _CHUNK, len(pairs))), encoder.design.frames),
            precision,
            device,
        )
        for start in range(0, len(pairs), _CHUNK)
    ]
    sheet, audio = zip(*chunks, strict=True)
    return torch.cat(sheet), torch.cat(audio)


def _refit(
    encoder: AudioSheetEncoder, pairs: Snippets, plan: TrainingPlan, device: torch.device
) -> None:
    encoder.cca.refit(*_tower_codes(encoder, pairs, plan.precision, device))


def validate(
    encoder: AudioSheetEncoder, pairs: Snippets, precision: str, device: torch.device
) -> dict[str, float]:
    """Rank pairs against each other.

    Args:
        encoder: the encoder, its CCA layer fitted.
        pairs: fixed pairs, not augmented.
        precision: float32 or bfloat16.
        device: where to compute.

    Returns:
        Mean reciprocal rank (MRR) and R@1 (percent) in both directions; ties count half.
    """
    sheet, audio = _tower_codes(encoder, pairs, precision, device)
    similarity = encoder.sheet_codes(sheet) @ encoder.audio_codes(audio).T
    scores = {}
    for direction, rows in (("sheet-to-audio", similarity), ("audio-to-sheet", similarity.T)):
        matching = rows.diagonal()[:, None]
        ranks = (rows > matching).sum(1) + ((rows == matching).sum(1) + 1) / 2
        scores[f"MRR {direction}"] = float((1.0 / ranks).mean())
        scores[f"R@1 {direction}"] = float(100.0 * (ranks <= 1).float().mean())
    return scores


def _save(
    path: Path,
    identity: dict[str, Any],
    encoder: AudioSheetEncoder,
    optimiser: torch.optim.Optimizer,
    state: _State,
) -> None:
    buffer = io.BytesIO()
    torch.save(
        {
            "identity": identity,
            "encoder": encoder.state_dict(),
            "optimiser": optimiser.state_dict(),
            "state": vars(state),
        },
        buffer,
    )
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getvalue())


def _resume(
    path: Path,
    identity: dict[str, Any],
    encoder: AudioSheetEncoder,
    optimiser: torch.optim.Optimizer,
    state: _State,
) -> None:
    content = read_tensors(path)
    if not isinstance(content, dict) or content.get("identity") != identity:
        logging.info("%s: checkpoint of other settings or data, starting afresh", path)
        return
    encoder.load_state_dict(content["encoder"])
    optimiser.load_state_dict(content["optimiser"])
    for name, value in content["state"].items():
        setattr(state, name, value)
    logging.info("resumed at step %d", state.step)
