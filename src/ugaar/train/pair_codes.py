"""Codes of pairs by a system's towers, and how well they find each other."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ugaar.models.system import AudioSheetSystem
from ugaar.train.pair_pool import PairPool

_CHUNK = 100


def encode(
    system: AudioSheetSystem,
    pair: tuple[NDArray, NDArray],
    precision: str,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Return the towers' output (n, d), float32, for crops and excerpts of n pairs.

    Args:
        system: on the device.
        pair: crops (n, 1, h, w) and excerpts (n, 1, bins, T), float32.
        precision: of the towers, float32 or bfloat16; CCA and loss are always float32, since they
            invert covariances.
        device: where to compute.
    """
    crops, excerpts = (
        torch.from_numpy(part).to(device).contiguous(memory_format=torch.channels_last)
        for part in pair
    )
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        sheet, audio = system.sheet(crops), system.audio(excerpts)
    return sheet.float(), audio.float()


@torch.inference_mode()
def encode_pool(
    system: AudioSheetSystem, pool: PairPool, precision: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the towers' output (n, d) for all pairs of a pool, in evaluation mode, as they are."""
    system.eval()
    chunks = [
        encode(
            system,
            pool.cut(np.arange(start, min(start + _CHUNK, len(pool))), system.shape),
            precision,
            device,
        )
        for start in range(0, len(pool), _CHUNK)
    ]
    sheet, audio = zip(*chunks, strict=True)
    return torch.cat(sheet), torch.cat(audio)


def retrieval_scores(sheet: Tensor, audio: Tensor) -> dict[str, float]:
    """Rank pairs against each other.

    Args:
        sheet: unit-length codes (n, d).
        audio: unit-length codes (n, d) of the matching excerpts.

    Returns:
        Mean reciprocal rank (MRR) and R@1 (percent) in both directions; ties count half.

    Raises:
        ArithmeticError: codes are not finite, which would win every comparison.
    """
    similarity = sheet @ audio.T
    if not torch.isfinite(similarity).all():
        raise ArithmeticError("codes of the validation fold are not finite")
    scores = {}
    for direction, rows in (("sheet-to-audio", similarity), ("audio-to-sheet", similarity.T)):
        matching = rows.diagonal()[:, None]
        ranks = (rows > matching).sum(1) + ((rows == matching).sum(1) + 1) / 2
        scores[f"MRR {direction}"] = float((1.0 / ranks).mean())
        scores[f"R@1 {direction}"] = float(100.0 * (ranks <= 1).float().mean())
    return scores
