"""The pretrained VGG of the musicnn package as an audio encoder, read from its wheel.

Source: musicnn 0.1.0 (Pons and Serra, "musicnn: pre-trained convolutional neural networks for music
audio tagging", 2019; ISC licence), model MTT_vgg, trained on MagnaTagATune. Of the two VGGs in the
wheel it is the one whose tags name instruments, so that a rendered piano can be checked; the other
(MSD_vgg) knows genres and moods. It stands in for the paper's VGGish, which no package contains.

Deviations from the package: the mel spectrogram stays in single precision, because the package
rounds to half precision, which overflows for loud clips; and patches are spread over the whole clip
where the package drops what remains after the last full patch, half a patch on average.
"""

from __future__ import annotations

import ast
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ugaar.errors import ConfigError, DataError
from ugaar.features.audio_clips import resample
from ugaar.features.mel import magnitudes, slaney_filters
from ugaar.features.musicnn_network import N_BLOCKS, N_FRAMES, N_MELS, MusicnnVgg
from ugaar.features.tensorflow_checkpoint import read_variables

RATE_HZ = 16000
N_FFT = 512
HOP = 256
MODEL = "MTT_vgg"
BANDS = (48, 24, 12, 6, 1)


def read_wheel(wheel: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the variables of the model and the names of its tags.

    Args:
        wheel: musicnn-0.1.0-py3-none-any.whl; nothing of it is unpacked or run.

    Raises:
        ConfigError: the file is missing.
        DataError: it is no musicnn wheel.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            index = archive.read(f"musicnn/{MODEL}/.index")
            data = archive.read(f"musicnn/{MODEL}/.data-00000-of-00001")
            source = archive.read("musicnn/configuration.py").decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"{wheel}: no such file; get it with: ugaar fetch --name musicnn "
            f"--sources config/sources.tsv --out {wheel}"
        ) from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise DataError(
            f"{wheel}: not the musicnn 0.1.0 wheel ({error}); fetch it again"
        ) from error
    tags: list[str] = []
    for line in ast.parse(source).body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "MTT_LABELS":
            tags = ast.literal_eval(line.value)
    return read_variables(index, data, f"{wheel}: {MODEL}"), tags


def log_mel(samples: np.ndarray, filters: torch.Tensor) -> torch.Tensor:
    """Return the log-mel spectrogram log10(1 + 10000 power) of one clip.

    Args:
        samples: (n,), float32, at 16 kHz.
        filters: Slaney filters (257, 96).

    Returns:
        (1 + n // 256, 96); frame i is centred on sample 256 i.
    """
    waveform = torch.from_numpy(samples).to(filters.device)
    spectrum = magnitudes(waveform, N_FFT, N_FFT, HOP, centred=True)
    return torch.log10(1 + 10000 * (spectrum.square() @ filters))


def patch_starts(n_frames: int) -> np.ndarray:
    """Return the first frames of the patches of a clip.

    As many patches as cover the clip, evenly spread from its start to its end, so they overlap by
    as little as covering allows.

    Args:
        n_frames: frames of the clip, at least 187.

    Returns:
        (ceil(n_frames / 187),), int64.
    """
    count = -(-n_frames // N_FRAMES)
    return np.linspace(0, n_frames - N_FRAMES, count).round().astype(np.int64)


class Musicnn:
    """Encodes clips by the time-mean of one layer, a vector for each patch of three seconds.

    Its default, block 3 in 4 bands, was chosen on the validation fold of the music21 corpus: R@1 of
    CCA with released sheet codes (237 windows, best of five ridges) was 71/65 % against 67/64 % for
    block 4 in all its 6 bands, 57/54 % without bands, and 43/41 % for the last code.
    """

    def __init__(
        self,
        variables: Mapping[str, np.ndarray],
        layer: str,
        bands: int | None = None,
        device: str = "cpu",
    ) -> None:
        """Build the network up to the layer.

        Args:
            variables: variables of the checkpoint by name.
            layer: "1" to "5", a block whose output is averaged over time, giving frequency bands
                x 128 channels; or "last", the 256-d code that the tag layer sees.
            bands: number of bands that the block's own bands (48, 24, 12, 6 and 1 in blocks 1 to 5)
                are averaged to; None keeps them all. Pitch lives in them: fewer retrieve worse.
            device: cpu or cuda.
        """
        if layer != "last" and layer not in map(str, range(1, N_BLOCKS + 1)):
            raise ConfigError(
                f"features.audio.musicnn.layer: {layer!r}; expected 1, 2, 3, 4, 5 or last"
            )
        if layer != "last" and bands and BANDS[int(layer) - 1] % bands:
            raise ConfigError(
                f"features.audio.musicnn.bands: {bands} does not divide the "
                f"{BANDS[int(layer) - 1]} bands of layer {layer}"
            )
        self.layer = layer
        self.bands = bands
        self._device = torch.device(device)
        blocks = N_BLOCKS if layer == "last" else int(layer)
        self.network = MusicnnVgg(variables, blocks).to(self._device)
        filters = slaney_filters(RATE_HZ, N_FFT, N_MELS, 0.0, RATE_HZ / 2)
        self._filters = torch.from_numpy(filters).to(self._device)
        self.dimensions = self._pool(torch.zeros(1, N_FRAMES, N_MELS)).shape[1]

    def _pool(self, patches: torch.Tensor) -> torch.Tensor:
        """Return one vector per patch: band by band, the channels of each."""
        maps = self.network(patches.to(self._device))
        if self.layer == "last":
            return maps.flatten(1)
        means = maps.mean(dim=1)  # (n, own bands, channels)
        if self.bands:
            means = means.unflatten(1, (self.bands, -1)).mean(dim=2)
        return means.flatten(1)

    def patches(self, clip: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, torch.Tensor]:
        """Return the centres (n,) in seconds and the log-mel patches (n, 187, 96) of a clip.

        A clip shorter than a patch is repeated to fill it, as in the network's training.
        """
        spectrogram = log_mel(resample(clip, sample_rate_hz, RATE_HZ), self._filters)
        if len(spectrogram) < N_FRAMES:
            copies = -(-N_FRAMES // len(spectrogram))
            spectrogram = spectrogram.repeat(copies, 1)[:N_FRAMES]
        starts = patch_starts(len(spectrogram))
        centres = ((starts + (N_FRAMES - 1) / 2) * (HOP / RATE_HZ)).astype(np.float32)
        return centres, torch.stack([spectrogram[start : start + N_FRAMES] for start in starts])

    def encode(
        self,
        clips: Sequence[np.ndarray],
        sample_rate_hz: int,
        onsets_s: Sequence[Sequence[float]],
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Encode clips; see `ugaar.features.audio_encoder.AudioEncoder`."""
        encoded = []
        for clip in clips:
            centres, patches = self.patches(clip, sample_rate_hz)
            # One patch at a time: fastest on a CPU (caches), and the same bytes in any company.
            vectors = torch.cat([self._pool(patch[None]) for patch in patches])
            encoded.append((centres, vectors.cpu().numpy()))
        return encoded


def load(weights: Path | None, settings: Mapping[str, Any], device: str) -> Musicnn:
    """Build the encoder from the musicnn wheel.

    Args:
        weights: the wheel.
        settings: with features.audio.musicnn.{layer, bands}.
        device: cpu or cuda.
    """
    if weights is None:
        raise ConfigError("encoder musicnn: give its wheel with --weights")
    variables, _ = read_wheel(weights)
    chosen = settings["features"]["audio"]["musicnn"]
    return Musicnn(variables, str(chosen["layer"]), chosen["bands"], device)


def tag(
    clip: np.ndarray, sample_rate_hz: int, variables: Mapping[str, np.ndarray], tags: list[str]
) -> dict[str, float]:
    """Return the mean probability of every tag over the patches of a clip: a check of the network.

    Args:
        clip: (n,), float32.
        sample_rate_hz: its sampling rate.
        variables: variables of the checkpoint by name.
        tags: names of the tags in the order of the output layer.
    """
    encoder = Musicnn(variables, "last")
    ((_, codes),) = encoder.encode([clip], sample_rate_hz, [[]])
    logits = codes @ variables["dense/kernel"] + variables["dense/bias"]
    means = (1 / (1 + np.exp(-logits.astype(np.float64)))).mean(axis=0)
    return dict(zip(tags, means.tolist(), strict=True))
