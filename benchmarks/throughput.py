"""What a processor core does in a second at each stage, ours beside the plain way, in one run.

    python benchmarks/throughput.py [--windows 24] [--wheel FILE]

Prints a Markdown table. Windows come from a few works of the music21 corpus and pass through the
real tools; nothing of an earlier run is needed. The plain way is what a first implementation does:
one process a file, one crop, excerpt or patch at a time through the network as it is defined, a
MIDI file parsed again for each of its windows, scikit-learn's CCA, sorted distances and scores.
Speeds are windows a second of processor time, of one thread; TiMidity++ sleeps a second in each
process, which only the ratio of wall times shows. Wall times suffer from other work on the machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pretty_midi
import torch

import features_audio
import render_audio
import render_sheet
from evaluate_ranks import blocked, full_sort
from sample_windows import spent
from ugaar.align import cca
from ugaar.align.nearest import nearest_neighbours
from ugaar.export.song_files import export_songs
from ugaar.features import musicnn
from ugaar.features.asmcmr_audio import AudioEncoder
from ugaar.features.asmcmr_sheet import SheetEncoder, codes_one_by_one
from ugaar.features.audio_clips import decode
from ugaar.features.spectrogram import FRAMES_PER_SECOND, log_spectrogram
from ugaar.features.strips import decode_strip
from ugaar.models.systems.cca_layer import SPECTROGRAM_BINS, AudioSheetEncoder, Design, new_encoder
from ugaar.parquet_files import write_table
from ugaar.render import lilypond_strips
from ugaar.render.batch import Failure
from ugaar.render.external import workspace
from ugaar.render.soundfont import open_soundfont
from ugaar.render.timidity import Synthesiser
from ugaar.score.windows import windows_of
from ugaar.settings import load_yaml
from ugaar.sources.midi_folder import song_of
from ugaar.sources.music21_corpus import read_corpus
from ugaar.sources.music21_files import corpus_root
from ugaar.stages.render_audio import render as render_clips
from ugaar.tables import SONGS
from ugaar.train.device import bfloat16_is_native, choose_device

ROOT = Path(__file__).parents[1]
CROPS = 100
MAPS = (12, 24, 48, 48)
HOP_S = 0.5
GALLERY = 3000
TRAINING = 2000
SHARDS = 40
"""The works of one of so many shards of the corpus."""


@dataclass(frozen=True)
class Row:
    """A line of the table.

    Attributes:
        stage: stage of the workflow.
        way: what is compared.
        count: windows that both ways work on.
        ours: wall and processor seconds for all of them.
        plain: the same for the plain way.
    """

    stage: str
    way: str
    count: int
    ours: tuple[float, float]
    plain: tuple[float, float]

    def line(self) -> str:
        """Return the row as Markdown."""
        ours, plain = (self.count / max(cost[1], 1e-9) for cost in (self.ours, self.plain))
        ratios = [one / max(other, 1e-9) for one, other in zip(self.plain, self.ours, strict=True)]
        return (
            f"| {self.stage} | {self.way} | {ours:,.1f} | {plain:,.2f} "
            f"| {ratios[1]:.1f} | {ratios[0]:.1f} |"
        )


def row(
    stage: str, way: str, count: int, ours: Callable[[], object], plain: Callable[[], object]
) -> Row:
    """Measure both ways, ours first."""
    return Row(stage, way, count, spent(ours), spent(plain))


def sample_songs(count: int) -> tuple[list[dict], list[dict]]:
    """Return songs of the corpus and `count` of their windows, different in sound and picture."""
    config = load_yaml(ROOT / "config.yaml")
    songs, _ = read_corpus(corpus_root(), config["source"], 0, SHARDS)
    windows: dict[tuple[str, str], dict] = {}
    for song in songs:
        for window in windows_of(song, config["window"])[0]:
            windows.setdefault((window["audio_key"], window["sheet_key"]), window)
    chosen = list(windows.values())
    if len(chosen) < count:
        raise SystemExit(f"the sample holds {len(chosen)} windows; ask for no more")
    return songs, chosen[:: len(chosen) // count][:count]


def rendered(windows: Sequence[dict]) -> tuple[list[tuple[np.ndarray, list]], list[np.ndarray]]:
    """Return (samples, onsets in seconds) of each clip at 22,050 Hz, and the strips."""
    synthesiser = Synthesiser(
        open_soundfont(None).path, 0, render_audio.RATE_HZ, render_audio.STALL_S
    )
    clips, strips = [], []
    with workspace() as folder:
        for window, made in render_clips(
            windows, synthesiser, folder, render_audio.VELOCITY, render_audio.TAIL_S
        ):
            clips.append((decode(_usable(made, window)["flac"], "clip")[0], made["onset_s"]))
    with workspace() as folder:
        for window, made in lilypond_strips.render(
            windows, render_sheet.LAYOUT, folder, render_sheet.STALL_S
        ):
            strips.append(decode_strip(_usable(made, window)["png"], "strip"))
    return clips, strips


def _usable(made: dict | Failure, window: dict) -> dict:
    if isinstance(made, Failure):
        raise SystemExit(f"{window['window_id']}: {made.detail}")
    return made


def excerpts_one_by_one(encoder: AudioSheetEncoder, clip: np.ndarray, onsets: list) -> np.ndarray:
    """Return the codes of a clip's excerpts by the network as it is, an excerpt at a time."""
    frames = encoder.design.frames
    spectrogram = log_spectrogram(clip)
    padded = np.zeros((len(spectrogram) + 2 * frames, SPECTROGRAM_BINS), dtype=np.float32)
    padded[frames : frames + len(spectrogram)] = spectrogram
    codes = []
    for time_s in np.arange(min(onsets), max(onsets) + 1e-9, HOP_S):
        start = round(time_s * FRAMES_PER_SECOND) - frames // 2 + frames
        excerpt = torch.from_numpy(padded[start : start + frames].T.copy())[None, None]
        codes.append(encoder.audio_codes(encoder.audio(excerpt)))
    return torch.cat(codes).numpy()


def rendering_rows(windows: Sequence[dict]) -> Iterator[Row]:
    """Measure TiMidity++ and LilyPond."""
    font = open_soundfont(None).path
    yield row(
        "render-audio", "one TiMidity++ process / one a clip", len(windows),
        lambda: render_audio.batch(windows, font), lambda: render_audio.plain(windows, font),
    )  # fmt: skip
    yield row(
        "render-sheet", "one LilyPond and Ghostscript process / one a strip", len(windows),
        lambda: render_sheet.batch(windows), lambda: render_sheet.plain(windows),
    )  # fmt: skip


@torch.inference_mode()
def feature_rows(
    clips: Sequence[tuple[np.ndarray, list]], strips: Sequence[np.ndarray], wheel: Path | None
) -> Iterator[Row]:
    """Measure the encoders; towers have random weights, which does not change their speed."""
    encoder = new_encoder(Design(MAPS, 84), 0).eval()
    precision = torch.bfloat16 if bfloat16_is_native(choose_device("cpu")) else torch.float32
    sheet = SheetEncoder(encoder, CROPS, precision)
    audio = AudioEncoder(encoder, HOP_S, precision)

    def all_strips(encode: Callable[[np.ndarray], np.ndarray]) -> None:
        for strip in strips:
            encode(strip)

    def plain_strip(strip: np.ndarray) -> np.ndarray:
        return codes_one_by_one(encoder, strip, CROPS)

    for encode in (sheet.exact, sheet.shared, plain_strip):
        encode(strips[0])
    plain = spent(lambda: all_strips(plain_strip))
    for name, encode in (("exact", sheet.exact), ("shared", sheet.shared)):
        ours = spent(lambda encode=encode: all_strips(encode))
        yield Row(
            f"features-sheet {name}", "shared work / a crop at a time", len(strips), ours, plain
        )

    rate = render_audio.RATE_HZ
    audio.encode([clips[0][0]], rate, [clips[0][1]])
    yield row(
        "features-audio asmcmr", "prepared tower / an excerpt at a time", len(clips),
        lambda: [audio.encode([clip], rate, [onsets]) for clip, onsets in clips],
        lambda: [excerpts_one_by_one(encoder, clip, onsets) for clip, onsets in clips],
    )  # fmt: skip
    if wheel is None:
        return
    variables, _ = musicnn.read_wheel(wheel)
    tensors = {name: torch.tensor(value) for name, value in variables.items()}
    network = musicnn.Musicnn(variables, "3", 4)
    network.encode([clips[0][0]], rate, [[]])
    features_audio.plain(tensors, clips[0][0])
    yield row(
        "features-audio musicnn", "folded network / all blocks, a patch at a time", len(clips),
        lambda: [network.encode([clip], rate, [[]]) for clip, _ in clips],
        lambda: [features_audio.plain(tensors, clip) for clip, _ in clips],
    )  # fmt: skip


def ingest_row(songs: Sequence[dict], folder: Path) -> Row:
    """Measure reading MIDI files: once a song, or for each of its windows."""
    config = load_yaml(ROOT / "config.yaml")
    write_table(folder / "songs.parquet", SONGS, list(songs))
    export_songs(folder / "songs.parquet", folder / "midi", len(songs), "events")
    files = {path: path.read_bytes() for path in sorted((folder / "midi").glob("*.mid"))}
    counts = {path: len(_windows(data, path, config)) for path, data in files.items()}

    def plain() -> None:
        for path, count in counts.items():
            for number in range(count):
                midi = pretty_midi.PrettyMIDI(str(path))
                notes = sorted(midi.instruments[0].notes, key=lambda note: note.start)
                list(zip(notes[20 * number :][:20], midi.lyrics[20 * number :], strict=False))

    return row(
        "ingest midi, window", "a file once, all checks / a file for each window",
        sum(counts.values()),
        lambda: [_windows(data, path, config) for path, data in files.items()], plain,
    )  # fmt: skip


def _windows(data: bytes, path: Path, config: dict) -> list[dict]:
    return windows_of(song_of(data, path.name, config["source"]), config["window"])[0]


def retrieval_rows() -> Iterator[Row]:
    """Measure CCA, neighbours and ranks on drawn vectors."""
    chance = np.random.default_rng(0)
    latent = chance.normal(size=(TRAINING, 16))
    audio, sheet = (
        latent @ chance.normal(size=(16, size)) + chance.normal(size=(TRAINING, size))
        for size in (512, 32)
    )

    def sklearn_cca() -> None:
        from sklearn.cross_decomposition import CCA

        CCA(n_components=32).fit(audio, sheet)

    yield row(
        "ground-truth, CCA", "whitened SVD / scikit-learn CCA", TRAINING,
        lambda: cca.fit(audio, sheet, 1e-3), sklearn_cca,
    )  # fmt: skip
    points = cca.unit_rows(sheet)

    def sorted_distances() -> None:
        distances = np.sqrt(np.square(points[:, None] - points[None]).sum(axis=2))
        np.argsort(distances, axis=1)[:, :5]

    yield row(
        "ground-truth, 5 neighbours", "blocks of products / all distances sorted", TRAINING,
        lambda: nearest_neighbours(points, 5), sorted_distances,
    )  # fmt: skip
    hidden = chance.normal(size=(GALLERY, 128))
    queries, gallery = (
        (hidden + 2 * chance.normal(size=hidden.shape)).astype(np.float32) for _ in range(2)
    )
    content = [str(number) for number in range(GALLERY)]
    yield row(
        f"evaluate, N = {GALLERY:,}", "counting in blocks / argsort of all scores", GALLERY,
        lambda: blocked(queries, gallery, content), lambda: full_sort(queries, gallery, content),
    )  # fmt: skip


def main() -> None:
    """Measure every stage and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--wheel", type=Path, help="the musicnn wheel (default: that of resources)")
    arguments = parser.parse_args()
    wheel = arguments.wheel or ROOT / "resources" / "musicnn-0.1.0-py3-none-any.whl"
    choose_device("cpu")
    torch.set_num_threads(1)
    songs, windows = sample_songs(arguments.windows)
    print(f"{len(windows)} windows, one thread\n")
    print("| stage | ours / plain | windows a core second | plain | ratio, processor | wall |")
    print("|---|---|---:|---:|---:|---:|", flush=True)
    for one in rendering_rows(windows):
        print(one.line(), flush=True)
    clips, strips = rendered(windows)
    for one in feature_rows(clips, strips, wheel if wheel.is_file() else None):
        print(one.line(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(ingest_row(songs, Path(folder)).line(), flush=True)
    for one in retrieval_rows():
        print(one.line(), flush=True)
    if not wheel.is_file():
        print(f"\nmusicnn left out: no file {wheel}; give --wheel")


if __name__ == "__main__":
    main()
