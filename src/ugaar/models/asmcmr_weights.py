"""Readers of published weights of the audio-sheet network.

Two releases are known: the parameters of the TISMIR 2018 authors' tutorial (Lasagne; a Python 2
pickle of 97 arrays) and the PyTorch port in github.com/luisfvc/ucasr (MIT licence).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ugaar.errors import DataError
from ugaar.models.encoder_file import read_tensors
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design
from ugaar.models.towers import CODE_SIZE, Block, Tower
from ugaar.sources import safe_pickle

_CONVOLUTIONS = 9
_ARRAYS_PER_CONVOLUTION = 5
_LASAGNE_ARRAYS = 2 * _CONVOLUTIONS * _ARRAYS_PER_CONVOLUTION + 7
_LASAGNE_FRAMES = 42


def load_lasagne(path: Path | str) -> AudioSheetEncoder:
    """Return the encoder of the released Lasagne parameters.

    The arrays come sheet tower first; per convolution: kernel, shift, scale, mean and inverse
    standard deviation of its batch normalisation; then U, V, both means and three covariances.
    Kernels are stored for cross-correlation, as PyTorch uses them: they are not flipped.

    Args:
        path: the pickle, such as params_all_split_mutopia_full_aug.pkl.

    Returns:
        The encoder (maps 24, 48, 96, 96, global average pooling, 42 frames), in evaluation mode.

    Raises:
        DataError: the file is missing, unsafe, or holds other arrays.
    """
    arrays = safe_pickle.load(path, encoding="latin1")
    if (
        not isinstance(arrays, Sequence)
        or len(arrays) != _LASAGNE_ARRAYS
        or not all(isinstance(array, np.ndarray) for array in arrays)
    ):
        found = f"{len(arrays)} items" if isinstance(arrays, Sequence) else type(arrays).__name__
        raise DataError(
            f"{path}: expected {_LASAGNE_ARRAYS} arrays of Lasagne parameters, found {found}"
        )
    tensors = [torch.from_numpy(np.ascontiguousarray(array)).float() for array in arrays]
    maps = tuple(tensors[2 * block * _ARRAYS_PER_CONVOLUTION].shape[0] for block in range(4))
    encoder = AudioSheetEncoder(
        Design(maps, _LASAGNE_FRAMES, head="gap", sheet_code_norm=True)  # type: ignore[arg-type]
    )
    half = _CONVOLUTIONS * _ARRAYS_PER_CONVOLUTION
    try:
        _fill_lasagne_tower(encoder.sheet, tensors[:half])
        _fill_lasagne_tower(encoder.audio, tensors[half : 2 * half])
        _fill_cca(encoder, *tensors[2 * half : 2 * half + 4])
    except RuntimeError as error:
        raise DataError(f"{path}: Lasagne parameters of another network ({error})") from error
    return encoder.eval()


def _layers(tower: Tower) -> Iterator[tuple[torch.nn.Conv2d, torch.nn.BatchNorm2d]]:
    for block in tower.blocks:
        assert isinstance(block, Block)
        yield block.conv1, block.norm1
        yield block.conv2, block.norm2
    assert tower.code_norm is not None
    yield tower.code_conv, tower.code_norm


@torch.no_grad()
def _fill_lasagne_tower(tower: torch.nn.Module, tensors: Sequence[Tensor]) -> None:
    assert isinstance(tower, Tower)
    for number, (convolution, norm) in enumerate(_layers(tower)):
        start = number * _ARRAYS_PER_CONVOLUTION
        kernel, shift, scale, mean, inverse_std = tensors[start : start + _ARRAYS_PER_CONVOLUTION]
        convolution.load_state_dict({"weight": kernel})
        norm.load_state_dict(
            {
                "weight": scale,
                "bias": shift,
                "running_mean": mean,
                "running_var": inverse_std**-2 - norm.eps,
                "num_batches_tracked": norm.num_batches_tracked,
            }
        )


@torch.no_grad()
def _fill_cca(encoder: AudioSheetEncoder, *tensors: Tensor) -> None:
    names = ("first_projection", "second_projection", "first_mean", "second_mean")
    for name, tensor in zip(names, tensors, strict=True):
        buffer = getattr(encoder.cca, name)
        buffer.copy_(tensor.reshape(buffer.shape))


def load_ucasr(path: Path | str) -> AudioSheetEncoder:
    """Return the encoder of a ucasr weights file such as params_mc_mixed.pt.

    Args:
        path: a PyTorch file with `model_params`.

    Returns:
        The encoder (dense heads, both 1 x 1 convolutions normalised), in evaluation mode.

    Raises:
        DataError: the file is missing or holds other parameters.
    """
    try:
        content = read_tensors(path)
    except FileNotFoundError as error:
        raise DataError(f"{path}: missing; encoder.path names no file") from error
    source = content.get("model_params") if isinstance(content, dict) else None
    if not isinstance(source, dict) or "y_net.mlp_head.weight" not in source:
        raise DataError(f"{path}: not a ucasr weights file (no model_params of its network)")
    maps = tuple(source[f"x_net.encoder.block{n}.conv1.weight"].shape[0] for n in range(1, 5))
    frames = source["y_net.mlp_head.weight"].shape[1] // (CODE_SIZE * 5) * 16
    # 92 bins leave 5 rows after four poolings; 84 frames leave 5 columns, as 80 to 95 do.
    frames = 84 if frames == 80 else frames
    encoder = AudioSheetEncoder(Design(maps, frames, head="dense", sheet_code_norm=True))  # type: ignore[arg-type]
    try:
        encoder.load_state_dict(_renamed_ucasr(source, encoder))
    except (RuntimeError, KeyError) as error:
        raise DataError(f"{path}: parameters of another network ({error})") from error
    return encoder.eval()


def _renamed_ucasr(source: dict[str, Tensor], encoder: AudioSheetEncoder) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {
        "cca.first_projection": source["cca_layer.U"],
        "cca.second_projection": source["cca_layer.V"],
        "cca.first_mean": source["cca_layer.mean1"].flatten(),
        "cca.second_mean": source["cca_layer.mean2"].flatten(),
        "cca.correlations": torch.ones(CODE_SIZE),
    }
    for ours, theirs in (("sheet", "x_net"), ("audio", "y_net")):
        for name in encoder.get_submodule(ours).state_dict():
            part, _, rest = name.partition(".")
            if part == "blocks":
                number, layer, value = rest.split(".")
                their_layer = layer.replace("norm", "bn")
                their_name = f"encoder.block{int(number) + 1}.{their_layer}.{value}"
            else:
                their_part = {
                    "code_conv": "encoder.conv",
                    "code_norm": "encoder.bn",
                    "dense": "mlp_head",
                }[part]
                their_name = f"{their_part}.{rest}"
            renamed[f"{ours}.{name}"] = source[f"{theirs}.{their_name}"]
    return renamed
