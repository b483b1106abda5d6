"""Distances, hinges and divergences of UGAAR (eqs 1-2, 5, 7-9) on batches."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional


def squared_distances(left: Tensor, right: Tensor) -> Tensor:
    """Return the (n, m) squared Euclidean distances of rows (n, d) and (m, d)."""
    products = left @ right.T
    return left.square().sum(1)[:, None] + right.square().sum(1)[None, :] - 2 * products


def relevance(
    query: Tensor, truth: Tensor, drawn: Tensor, margin: float, unit: float = 1.0
) -> Tensor:
    """Return phi (eq. 5): how relevant a drawn pair is to a query, beside the true pair.

    phi = max(0, margin + |q - pT|^2 - |q - pG|^2) is large where the drawn pair lies nearer to
    the query than the true one; for pG = pT it is the margin.

    Args:
        query: (..., d) points of the queries.
        truth: (..., d) points of the true pairs.
        drawn: (..., d) points of the drawn pairs.
        margin: alpha (paper: 1).
        unit: what a squared distance is counted in (literal reading: 1).
    """
    near = (query - truth).square().sum(-1)
    far = (query - drawn).square().sum(-1)
    return functional.relu(margin + (near - far) / unit)


def probability_of_truth(phi: Tensor) -> Tensor:
    """Return D = sigmoid(phi) (eq. 7); phi >= 0, so it is never below 0.5."""
    return torch.sigmoid(phi)


def pair_point(audio: Tensor, sheet: Tensor) -> Tensor:
    """Return the point of a pair of audio and sheet: their mean (eq. 4; D's pairs likewise)."""
    return (audio + sheet) / 2


def ranking_hinges(
    points: Mapping[str, Tensor],
    pairs: tuple[tuple[str, str], ...],
    wrong: Mapping[tuple[str, str], Tensor],
    margin: float,
    unit: float,
    negatives: str,
    generator: torch.Generator,
) -> Tensor:
    """Return the sum of triplet losses over pairs of modalities, both directions of each.

    Paper: a triplet loss, not written out; here: as the Baseline has 24 % R@1 between audio and
    sheet, these two must be trained against each other as well, so each of the pairs counts.

    Args:
        points: modality -> (n, d) points; row i of all modalities is one window.
        pairs: the pairs of modalities that count.
        wrong: pair -> (n, n) bool, whether item j of the second modality may serve as a wrong
            answer to item i of the first.
        margin: alpha (paper: 1), on squared Euclidean distances.
        unit: what a squared distance is counted in (literal reading: 1).
        negatives: all (mean over the batch), random (one for each query) or hardest.
        generator: source of the random negatives.

    Returns:
        The loss, a scalar.
    """
    total = next(iter(points.values())).new_zeros(())
    for pair in pairs:
        distances = squared_distances(points[pair[0]], points[pair[1]]) / unit
        for directed, allowed in ((distances, wrong[pair]), (distances.T, wrong[pair].T)):
            hinges = functional.relu(margin + directed.diagonal()[:, None] - directed)
            total = total + _reduce(hinges, allowed, negatives, generator)
    return total


def _reduce(hinges: Tensor, allowed: Tensor, negatives: str, generator: torch.Generator) -> Tensor:
    """Return the mean over queries that have a wrong item of the loss against the chosen ones."""
    hinges = hinges * allowed
    if negatives == "all":
        return hinges.sum() / allowed.sum().clamp(min=1)
    present = allowed.any(dim=1).sum().clamp(min=1)
    if negatives == "hardest":
        return hinges.amax(dim=1).sum() / present
    lots = torch.rand(hinges.shape, generator=generator, device=hinges.device) * allowed
    return hinges.gather(1, lots.argmax(dim=1, keepdim=True)).sum() / present


def transfer_divergence(lyrics: Tensor, other: Tensor, teacher_gradient: bool) -> Tensor:
    """Return KL(softmax(lyrics) || softmax(other)) (eqs 1-2), mean over rows.

    Paper: no softmax is written, and the inner sum over dimensions is missing; here: softmax over
    the dimensions, since KL needs probabilities, and lyrics ("the Teacher") get no gradient
    unless `teacher_gradient` is set: with it, constants solve the equations.

    Args:
        lyrics: (n, d) points of the lyrics, the teacher.
        other: (n, d) points of the audio or sheet, the student.
        teacher_gradient: let the gradient reach the lyrics.
    """
    teacher = functional.log_softmax(lyrics if teacher_gradient else lyrics.detach(), dim=1)
    student = functional.log_softmax(other, dim=1)
    return (teacher.exp() * (teacher - student)).sum(dim=1).mean()
