"""The generative model of UGAAR: probabilities of pairs given lyrics (eqs 3-4) and its gradient."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from ugaar.models.losses import pair_point, squared_distances


def pair_log_probabilities(
    lyrics: Tensor, audio: Tensor, sheet: Tensor, temperature: float, candidates: str
) -> Tensor:
    """Return log p(J | z), J = (F(x_j) + G(y_k)) / 2, over the candidate pairs of a batch.

    p is the softmax of -|H(z) - J|^2 / temperature. The squared distance does not separate over j
    and k, but needs only the products of the three modalities:
    |J|^2 - 2 H.J = (|F_j|^2 + |G_k|^2 + 2 F_j.G_k) / 4 - H.F_j - H.G_k, and |H|^2 cancels.

    Args:
        lyrics: (n, d) points H(z) of the queries.
        audio: (m, d) points F(x).
        sheet: (m, d) points G(y).
        temperature: of the softmax (paper: none, so 1), times the unit of squared distances.
        candidates: cross (all m x m pairs: "x_j from X_db and y_k from Y_db") or paired (j = k).

    Returns:
        (n, m * m) log-probabilities, pair (j, k) in column j * m + k; or (n, m) for paired.
    """
    if candidates == "paired":
        return functional.log_softmax(
            -squared_distances(lyrics, pair_point(audio, sheet)) / temperature, dim=1
        )
    between = (
        audio.square().sum(1)[:, None] + sheet.square().sum(1)[None, :] + 2 * audio @ sheet.T
    ) / 4
    to_audio, to_sheet = lyrics @ audio.T, lyrics @ sheet.T
    logits = to_audio[:, :, None] + to_sheet[:, None, :] - between
    return functional.log_softmax(logits.flatten(1) / temperature, dim=1)


def draw_pairs(log_probabilities: Tensor, draws: int, generator: torch.Generator) -> Tensor:
    """Draw candidates for each query, with replacement.

    Args:
        log_probabilities: (n, c); -inf marks what must not be drawn.
        draws: number of draws for each query.
        generator: source of chance.

    Returns:
        (n, draws) columns.
    """
    # Softmax again: what is left beside the marked candidates may be too small for float32.
    return torch.multinomial(log_probabilities.softmax(dim=1), draws, True, generator=generator)


def split_pairs(columns: Tensor, items: int, candidates: str) -> tuple[Tensor, Tensor]:
    """Return the rows (j, k) of audio and sheet that candidate columns stand for."""
    if candidates == "paired":
        return columns, columns
    return columns // items, columns % items


def policy_gradient_loss(
    log_probabilities: Tensor, columns: Tensor, reward: Tensor, reward_baseline: bool
) -> Tensor:
    """Return a loss whose gradient estimates that of the expected negative reward (REINFORCE).

    Args:
        log_probabilities: (n, c), with gradient.
        columns: (n, draws) candidates drawn from them.
        reward: (n, draws) rewards, without gradient.
        reward_baseline: subtract the mean of the other rewards of the batch from each, which
            lowers the variance and leaves the mean as it is.
    """
    if reward_baseline:
        others = max(reward.numel() - 1, 1)
        reward = reward - (reward.sum() - reward) / others
    return -(log_probabilities.gather(1, columns) * reward.detach()).mean()


def reward_of(phi: Tensor, kind: str) -> Tensor:
    """Return the reward of drawn pairs: sigmoid(phi) (UGACH's code) or log(1 + e^phi) (eq. 9)."""
    return torch.sigmoid(phi) if kind == "sigmoid" else functional.softplus(phi)
