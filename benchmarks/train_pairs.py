"""Samples a second that the training of audio-sheet systems takes in, ours beside the plain way.

    python benchmarks/train_pairs.py [--steps 6] [--threads 1 2] [--systems dcca cnn-2s ...]

Prints a Markdown table. The plain way is what a first implementation does: one pair after another
cut from decoded media and collated, float32, maps one after another in memory, batch normalisation
and ELU over whole maps before the pooling, no second thread. `decoding` also decodes strip and clip
and makes the spectrogram for each pair anew. Every measurement has a process of its own, since ours
changes how memory is allocated; the ways take turns, so other work on the machine slows all alike.
Music is made up: melodies of 60 notes as blots and sines. Speeds do not depend on what is drawn.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from ugaar.features.audio_clips import decode
from ugaar.features.spectrogram import FRONT_ENDS, FrontEnd, log_spectrogram, onset_frame
from ugaar.features.strips import decode_strip, halve
from ugaar.models.system import AudioSheetSystem
from ugaar.models.system_file import build_system
from ugaar.models.towers import Block
from ugaar.settings import load_yaml
from ugaar.systems import SystemPlan, plan_system
from ugaar.train.augmentation import Augmentation
from ugaar.train.device import choose_device, precision_of, prepare_for_long_training
from ugaar.train.pair_pool import PairPool, Shape
from ugaar.train.pair_training import PairTraining, TrainingPlan

CONFIG = Path(__file__).parents[1] / "config.yaml"
PIECES, NOTES, STEP_PX, STEP_S, RATE_HZ = 12, 60, 30, 0.4, 22050
WARM_UP = 2


@dataclass(frozen=True)
class Media:
    """The files of a piece: PNG, FLAC, noteheads in pixels and onsets in seconds."""

    png: bytes
    flac: bytes
    heads: np.ndarray
    onsets: np.ndarray


def melody(number: int) -> Media:
    """Return a made-up piece."""
    pitches = np.random.default_rng(number).integers(60, 73, NOTES)
    heads = 108.0 + STEP_PX * np.arange(NOTES)
    strip = np.full((160, 200 + STEP_PX * NOTES), 255, dtype=np.uint8)
    strip[60:101:10, 90:-90] = 0
    for x, pitch in zip(heads.astype(int), pitches, strict=True):
        y = 120 - 5 * (int(pitch) - 60)
        strip[y - 4 : y + 5, x - 6 : x + 7] = 0
    seconds = np.arange(round(STEP_S * RATE_HZ)) / RATE_HZ
    clip = np.concatenate(
        [np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * seconds) for p in pitches]
    )
    png, flac = io.BytesIO(), io.BytesIO()
    Image.fromarray(strip).save(png, format="PNG")
    soundfile.write(flac, 0.4 * clip, RATE_HZ, format="FLAC")
    return Media(png.getvalue(), flac.getvalue(), heads, STEP_S * np.arange(NOTES))


def strip_of(media: Media) -> np.ndarray:
    """Return a strip at half resolution, uint8, (80, width)."""
    return halve(decode_strip(media.png, "strip"))


def spectrogram_of(media: Media, front_end: FrontEnd) -> np.ndarray:
    """Return a spectrogram (n_frames, n_bins)."""
    return log_spectrogram(*decode(media.flac, "clip"), front_end)


def pool_of(pieces: list[Media], front_end: FrontEnd) -> PairPool:
    """Return the pieces as a pool."""
    strips = [np.ascontiguousarray(strip_of(media).T) for media in pieces]
    clips = [spectrogram_of(media, front_end).astype(np.float16) for media in pieces]

    def ends(arrays: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        stops = np.cumsum([len(array) for array in arrays])
        starts = stops - [len(array) for array in arrays]
        return np.repeat(starts, NOTES), np.repeat(stops, NOTES)

    strip_first, strip_stop = ends(strips)
    frame_first, frame_stop = ends(clips)
    return PairPool(
        strips=np.concatenate(strips),
        spectrograms=[np.concatenate(clips)],
        strip_first=strip_first,
        strip_stop=strip_stop,
        column=np.concatenate([media.heads for media in pieces]) / 2.0,
        frame_first=frame_first[None],
        frame_stop=frame_stop[None],
        frame=np.concatenate([onset_frame(media.onsets, front_end) for media in pieces])[None],
        front_end=front_end,
    )


class PlainPairs(Dataset):
    """Pairs cut one by one, with the same augmentation.

    Args:
        pieces: the music.
        front_end: of the spectrograms.
        shape: of crops and excerpts.
        decoding: decode the files for each pair, rather than once.
    """

    def __init__(
        self, pieces: list[Media], front_end: FrontEnd, shape: Shape, decoding: bool
    ) -> None:
        self._pieces, self._front_end, self._shape = pieces, front_end, shape
        self._random = np.random.default_rng(0)
        self._decoded = None if decoding else [self._decode(media) for media in pieces]

    def _decode(self, media: Media) -> tuple[np.ndarray, np.ndarray]:
        return strip_of(media), spectrogram_of(media, self._front_end)

    def __len__(self) -> int:
        return len(self._pieces) * NOTES

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        piece, note = divmod(number, NOTES)
        media = self._pieces[piece]
        strip, spectrogram = self._decode(media) if self._decoded is None else self._decoded[piece]
        scale, tempo = 1 + self._random.uniform(-0.05, 0.05), 1 + self._random.uniform(-0.1, 0.1)
        shift, onset = self._random.uniform(-2.5, 2.5), int(self._random.integers(-1, 2))
        height, width, frames = (
            self._shape.crop_height,
            self._shape.crop_width,
            self._shape.frames,
        )
        rows = (np.arange(height) + 0.5 - height / 2) * scale + len(strip) / 2 + shift
        columns = (np.arange(width) + 0.5 - width / 2) * scale + media.heads[note] / 2
        crop = _picked(strip, rows, columns, 255) / np.float32(255)
        centre = int(onset_frame(media.onsets[note : note + 1], self._front_end)[0]) + onset
        places = centre + np.rint((np.arange(frames) - frames // 2) * tempo)
        excerpt = _picked(spectrogram, places, np.arange(spectrogram.shape[1]), 0).T
        return crop[None], np.ascontiguousarray(excerpt, dtype=np.float32)[None]


def _picked(image: np.ndarray, rows: np.ndarray, columns: np.ndarray, outside: int) -> np.ndarray:
    rows, columns = np.floor(rows).astype(int), np.floor(columns).astype(int)
    picked = image[np.clip(rows, 0, image.shape[0] - 1)]
    picked = picked[:, np.clip(columns, 0, image.shape[1] - 1)]
    picked[(rows < 0) | (rows >= image.shape[0])] = outside
    picked[:, (columns < 0) | (columns >= image.shape[1])] = outside
    return picked


class PlainBlock(nn.Module):
    """A block as the papers write it: pooling comes last."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            block.conv1, block.norm1, nn.ELU(), block.conv2, block.norm2, nn.ELU(), nn.MaxPool2d(2)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Map (n, inputs, h, w) to (n, outputs, h // 2, w // 2)."""
        return self.layers(maps)


def make_plain(module: nn.Module) -> None:
    """Replace the blocks of a network by plain ones of the same weights."""
    for name, child in module.named_children():
        if isinstance(child, Block):
            setattr(module, name, PlainBlock(child))
        else:
            make_plain(child)


def plain_steps(plan: SystemPlan, system: AudioSheetSystem, decoding: bool) -> Iterator[None]:
    """Train the plain way; yield after each step."""
    make_plain(system)
    pieces = [melody(number) for number in range(PIECES)]
    pairs = PlainPairs(pieces, FRONT_ENDS[system.front_end], system.shape, decoding)
    loader = DataLoader(pairs, plan.training["batch_size"], shuffle=True, drop_last=True)
    optimiser = torch.optim.Adam(system.parameters(), lr=plan.training["learning_rate"])
    while True:
        for crops, excerpts in loader:
            system.train()
            loss = system.loss(system.sheet(crops), system.audio(excerpts))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            yield


def our_steps(plan: SystemPlan, system: AudioSheetSystem) -> Iterator[None]:
    """Train as the workflow does; yield after each step."""
    pool = pool_of([melody(n) for n in range(PIECES)], FRONT_ENDS[system.front_end])
    settings = plan.training | {
        "precision": precision_of(plan.training["precision"], torch.device("cpu"))
    }
    training = PairTraining(
        plan.name,
        system,
        pool,
        pool,
        TrainingPlan(**settings, seed=0),
        Augmentation(),
        torch.device("cpu"),
    )
    yield from training.steps()


def measure(way: str, name: str, threads: int, steps: int, answer: Callable) -> None:
    """Train some steps; answer with the median of the wall seconds and of the CPU seconds."""
    plan = plan_system(load_yaml(CONFIG)["audio_sheet"], name)
    choose_device("cpu")
    torch.set_num_threads(threads)
    system = build_system(plan.model, plan.options, 0)
    if way == "ours":
        prepare_for_long_training(threads)
        trained = our_steps(plan, system)
    else:
        trained = plain_steps(plan, system, way == "decoding")
    spent = []
    for _ in range(WARM_UP + steps):
        started = time.perf_counter(), time.process_time()
        next(trained)
        spent.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    walls, processors = zip(*spent[WARM_UP:], strict=True)
    answer((statistics.median(walls), statistics.median(processors)))


def in_a_process(*arguments: object) -> tuple[float, float]:
    """Return what `measure` answers in a process of its own."""
    context = multiprocessing.get_context("spawn")
    queue = context.SimpleQueue()
    process = context.Process(target=_answer, args=(queue, *arguments))
    process.start()
    found = queue.get()
    process.join()
    return found


def _answer(queue: multiprocessing.SimpleQueue, *arguments: object) -> None:
    measure(*arguments, queue.put)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--systems", nargs="+", default=["dcca", "cnn-2s", "cnn-4s", "cnn-8s"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--steps", type=int, default=6, help="steps that are timed")
    parser.add_argument("--rounds", type=int, default=1, help="turns of each way; best one counts")
    arguments = parser.parse_args()
    print("| system | threads | ours | plain | decoding | ours / plain | ours / decoding |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.systems:
        for threads in arguments.threads:
            ways = ("ours", "plain", "decoding")
            found = {way: [] for way in ways}
            for _ in range(arguments.rounds):
                for way in ways:
                    steps = 1 if way == "decoding" else arguments.steps
                    found[way].append(in_a_process(way, name, threads, steps))
            size = load_yaml(CONFIG)["audio_sheet"]["training"]["batch_size"]
            # One thread: processor time, which other work on the machine does not stretch.
            clock = 1 if threads == 1 else 0
            speed = {way: size / min(one[clock] for one in found[way]) for way in ways}
            print(
                f"| {name} | {threads} | {speed['ours']:.0f} | {speed['plain']:.0f} | "
                f"{speed['decoding']:.0f} | {speed['ours'] / speed['plain']:.1f} | "
                f"{speed['ours'] / speed['decoding']:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
