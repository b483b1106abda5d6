"""Time the musicnn encoder against the network written plainly, on the same clips in one run.

    python benchmarks/features_audio.py [--clips 12] [--wheel FILE]

Plain: the network as musicnn defines it (batch norms apart, all channels, all five blocks as its
extractor computes them), one call per patch, librosa's mel spectrogram. CPU time of one thread.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import librosa
import numpy as np
import torch
from torch.nn import functional

from ugaar.features import musicnn
from ugaar.sources.fetch import fetch, read_sources

RATE_HZ = 22050
CLIP_S = 18.6  # median window of the music21 corpus


def clips(count: int) -> list[np.ndarray]:
    """Return tunes of decaying harmonic tones, (samples,) float32 each."""
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        tones = []
        for pitch in random.integers(55, 80, 20):
            times = np.arange(int(CLIP_S / 20 * RATE_HZ)) / RATE_HZ
            harmonics = [
                np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * k * times) / k
                for k in range(1, 6)
            ]
            tones.append(np.sum(harmonics, axis=0) * np.exp(-3 * times) * 0.2)
        made.append(np.concatenate(tones).astype(np.float32))
    return made


def plain(variables: dict[str, torch.Tensor], clip: np.ndarray) -> np.ndarray:
    """Return the time-means of block 3 in 4 bands, a row for each patch."""

    def norm(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, variance, gamma, beta = (
            variables[f"{name}/{part}"]
            for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return functional.batch_norm(x, mean, variance, gamma, beta, False, 0, 1e-3)

    samples = librosa.resample(clip, orig_sr=RATE_HZ, target_sr=16000)
    mel = librosa.feature.melspectrogram(y=samples, sr=16000, n_fft=512, hop_length=256, n_mels=96)
    spectrogram = torch.from_numpy(np.log10(10000 * mel.T + 1))
    rows = []
    for start in musicnn.patch_starts(len(spectrogram)):
        x = norm("batch_normalization", spectrogram[None, None, start : start + 187])
        for number in range(1, 6):
            kernel = variables[f"{number}CNN/kernel"].permute(3, 2, 0, 1)
            x = functional.conv2d(x, kernel, variables[f"{number}CNN/bias"], padding=1).relu()
            x = norm(f"batch_normalization_{number}", x)
            if number == 1:
                x = functional.max_pool2d(x, (4, 1), (2, 2))
            else:
                x = functional.max_pool2d(x, 4 if number == 5 else 2)
            if number == 3:
                means = x.permute(0, 2, 3, 1).mean(dim=1)[0]
                rows.append(means.reshape(4, 3, -1).mean(dim=1).flatten().numpy())
    return np.stack(rows)


def main() -> None:
    """Print the time per clip and patch of both, and how far apart their results are."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--wheel", type=Path, help="the musicnn wheel; fetched where not given")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        wheel = arguments.wheel
        if wheel is None:
            wheel = Path(folder) / "musicnn.whl"
            sources = Path(__file__).parents[1] / "config" / "sources.tsv"
            fetch(read_sources(sources)["musicnn"], wheel, None)
        variables, _ = musicnn.read_wheel(wheel)
    encoder = musicnn.Musicnn(variables, "3", 4)
    tensors = {name: torch.tensor(value) for name, value in variables.items()}
    made = clips(arguments.clips)
    with torch.inference_mode():
        plain(tensors, made[0])
        encoder.encode(made[:1], RATE_HZ, [[]])
        spent = {"plain": 0.0, "ours": 0.0}
        n_patches, worst = 0, 1.0
        for clip in made:  # alternating, so that both meet the same machine
            start = time.process_time()
            expected = plain(tensors, clip)
            spent["plain"] += time.process_time() - start
            start = time.process_time()
            ((_, found),) = encoder.encode([clip], RATE_HZ, [[]])
            spent["ours"] += time.process_time() - start
            n_patches += len(found)
            lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
            worst = min(worst, float(((expected * found).sum(axis=1) / lengths).min()))
    for name, seconds in spent.items():
        print(
            f"{name}: {1000 * seconds / len(made):.1f} ms a clip of {CLIP_S} s, "
            f"{1000 * seconds / n_patches:.1f} ms a patch of 3 s"
        )
    print(f"ratio {spent['plain'] / spent['ours']:.1f}, least cosine {worst:.6f}")


if __name__ == "__main__":
    main()
