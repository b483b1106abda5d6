"""Codes of pairs by a system's towers, and how well they find each other."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ugaar.models.system import AudioSheetSystem
from ugaar.progress import Progress
from ugaar.train.looks import PLAIN, Look
from ugaar.train.pair_pool import PairPool, Shape
from ugaar.train.prefetch import prefetched

_CHUNK = 100


def encode_images(
    tower: nn.Module, images: NDArray, precision: str, device: torch.device
) -> Tensor:
    """Return a tower's output (n, d), float32.

    Args:
        tower: on the device.
        images: crops (n, 1, h, w) or excerpts (n, 1, bins, T), float32.
        precision: of the tower, float32 or bfloat16; what follows is always float32, since CCA
            inverts covariances.
        device: where to compute.
    """
    batch = torch.from_numpy(images).to(device).contiguous(memory_format=torch.channels_last)
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        return tower(batch).float()


def encode(
    system: AudioSheetSystem,
    pair: tuple[NDArray, NDArray],
    precision: str,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Return both towers' output (n, d) for crops and excerpts of n pairs; see encode_images."""
    crops, excerpts = pair
    return (
        encode_images(system.sheet, crops, precision, device),
        encode_images(system.audio, excerpts, precision, device),
    )


@torch.inference_mode()
def encode_pool(
    system: AudioSheetSystem, pool: PairPool, precision: str, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return the towers' output (n, d) for all pairs of a pool, in evaluation mode, as they are."""
    system.eval()
    chunks = [
        encode(system, pair, precision, device) for pair in prefetched(_chunks(pool, system.shape))
    ]
    sheet, audio = zip(*chunks, strict=True)
    return torch.cat(sheet), torch.cat(audio)


def _chunks(
    pool: PairPool, shape: Shape, look: Look = PLAIN
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    for start in range(0, len(pool), _CHUNK):
        yield pool.cut(np.arange(start, min(start + _CHUNK, len(pool))), shape, look=look)


@torch.inference_mode()
def pool_codes(
    system: AudioSheetSystem,
    pool: PairPool,
    modality: str,
    precision: str,
    device: torch.device,
    look: Look = PLAIN,
) -> NDArray[np.float32]:
    """Return the unit-length codes (n, d) of all pairs of a pool in one modality.

    Args:
        system: on the device, trained.
        pool: the pairs; the first rendition is heard.
        modality: audio or sheet.
        precision: of the tower.
        device: where to compute.
        look: how the engraving is changed.
    """
    system.eval()
    place = ("sheet", "audio").index(modality)
    tower, finish = (
        (system.sheet, system.sheet_codes),
        (system.audio, system.audio_codes),
    )[place]
    progress = Progress(len(pool))
    codes = []
    for pair in prefetched(_chunks(pool, system.shape, look)):
        codes.append(finish(encode_images(tower, pair[place], precision, device)).cpu())
        progress.step(len(pair[place]))
    return torch.cat(codes).numpy()


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
