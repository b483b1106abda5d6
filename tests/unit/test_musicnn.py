"""Guards the folded musicnn network against the plain one, and its weights by what it hears."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pretty_midi
import pytest
import soundfile
import torch
from torch.nn import functional

from ugaar.errors import ConfigError, DataError
from ugaar.features import musicnn
from ugaar.features.musicnn_network import MusicnnVgg
from ugaar.sources.fetch import fetch, read_sources

REPOSITORY = Path(__file__).parents[2]


def batch_norm(variables, name, x):
    mean, variance, gamma, beta = (
        torch.tensor(variables[f"{name}/{part}"])
        for part in ("moving_mean", "moving_variance", "gamma", "beta")
    )
    return functional.batch_norm(x, mean, variance, gamma, beta, False, 0, 1e-3)


def plain(variables, x, blocks):
    """Return the output of a block, each step as the package's definition has it."""
    x = batch_norm(variables, "batch_normalization", x[:, None])
    for number in range(1, blocks + 1):
        kernel = torch.tensor(variables[f"{number}CNN/kernel"].transpose(3, 2, 0, 1))
        bias = torch.tensor(variables[f"{number}CNN/bias"])
        x = functional.conv2d(x, kernel, bias, padding="same").relu()
        x = batch_norm(variables, f"batch_normalization_{number}", x)
        if number == 1:
            x = functional.max_pool2d(x, (4, 1), (2, 2))
        else:
            x = functional.max_pool2d(x, 4 if number == 5 else 2)
    return x.permute(0, 2, 3, 1)


@pytest.fixture(scope="module")
def random_variables():
    """Weights of a small network of the same kind, with dead channels and falling batch norms."""
    random = np.random.default_rng(7)
    variables = {}

    def norm(name, channels):
        variables[f"{name}/gamma"] = random.normal(0.5, 0.5, channels)
        variables[f"{name}/beta"] = random.normal(0, 0.5, channels)
        variables[f"{name}/moving_mean"] = random.normal(0.3, 0.2, channels)
        variables[f"{name}/moving_variance"] = random.uniform(0.1, 1, channels)

    norm("batch_normalization", 1)
    inputs = 1
    for number in range(1, 6):
        outputs = 8
        kernel = random.normal(0, 0.3, (3, 3, inputs, outputs))
        kernel[..., 2] = 1e-20
        kernel[..., 5] = 0
        bias = random.normal(0, 0.3, outputs)
        bias[2], bias[5] = 0.7, -0.4  # a dead channel that is a positive constant, and one at zero
        variables[f"{number}CNN/kernel"], variables[f"{number}CNN/bias"] = kernel, bias
        norm(f"batch_normalization_{number}", outputs)
        variables[f"batch_normalization_{number}/gamma"][[1, 5]] = -0.8, -0.3
        inputs = outputs
    return {name: value.astype(np.float32) for name, value in variables.items()}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The musicnn wheel: from the results of a run, a mirror, or the package index."""
    found = sorted(REPOSITORY.glob("resources/musicnn-0.1.0-*.whl"))
    if found:
        return found[0]
    path = tmp_path_factory.mktemp("wheel") / "musicnn.whl"
    mirror = os.environ.get("UGAAR_MIRROR")
    source = read_sources(REPOSITORY / "config" / "sources.tsv")["musicnn"]
    try:
        fetch(source, path, Path(mirror) if mirror else None)
    except DataError as error:
        pytest.skip(f"the musicnn wheel cannot be had here: {error}")
    return path


@pytest.fixture(scope="session")
def model(wheel):
    return musicnn.read_wheel(wheel)


@pytest.mark.parametrize("blocks", range(1, 6))
def test_folding_and_pruning_change_nothing(random_variables, blocks):
    patches = torch.rand(2, 187, 96, generator=torch.Generator().manual_seed(0)) * 4
    folded = MusicnnVgg(random_variables, blocks)(patches)
    expected = plain(random_variables, patches, blocks)
    assert folded.shape == expected.shape
    scale = float(expected.abs().max())
    torch.testing.assert_close(folded / scale, expected / scale, atol=2e-6, rtol=0)


@pytest.mark.parametrize("blocks", [4, 5])
def test_published_weights_survive_folding(model, blocks):
    patches = torch.rand(1, 187, 96, generator=torch.Generator().manual_seed(0)) * 4
    torch.testing.assert_close(
        MusicnnVgg(model[0], blocks)(patches), plain(model[0], patches, blocks), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("n_frames", "starts"),
    [(187, [0]), (188, [0, 1]), (374, [0, 187]), (375, [0, 94, 188]), (561, [0, 187, 374])],
)
def test_patches_cover_the_clip_and_no_more(n_frames, starts):
    assert musicnn.patch_starts(n_frames).tolist() == starts


@pytest.mark.parametrize(
    ("layer", "bands", "dimensions"),
    [("2", None, 192), ("3", 4, 32), ("4", None, 48), ("5", 1, 8), ("last", 4, 16)],
)
def test_layers_give_bands_times_channels(random_variables, layer, bands, dimensions):
    encoder = musicnn.Musicnn(random_variables, layer, bands)
    clip = np.random.default_rng(0).standard_normal(22050 * 5).astype(np.float32)
    ((times, vectors),) = encoder.encode([clip], 22050, [[]])
    assert encoder.dimensions == dimensions
    assert vectors.shape == (2, dimensions)
    assert vectors.dtype == times.dtype == np.float32
    # 5 s = 313 frames of 16 ms: patches at 0 and 126, centres 93 frames on.
    np.testing.assert_allclose(times, [93 * 0.016, (126 + 93) * 0.016], atol=1e-6)


def test_layer_vector_is_the_time_mean_of_the_plain_network(random_variables):
    encoder = musicnn.Musicnn(random_variables, "3", 4)
    clip = np.random.default_rng(0).standard_normal(16000 * 2).astype(np.float32)
    _, patches = encoder.patches(clip, 16000)
    ((_, vectors),) = encoder.encode([clip], 16000, [[]])
    means = plain(random_variables, patches, 3).mean(dim=1)[0]  # (12 bands, 8 channels)
    expected = [means[start : start + 3].mean(dim=0).tolist() for start in (0, 3, 6, 9)]
    np.testing.assert_allclose(vectors.reshape(4, 8), expected, rtol=1e-4, atol=1e-4)


def test_short_clip_is_repeated_to_a_full_patch(random_variables):
    encoder = musicnn.Musicnn(random_variables, "1")
    clip = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    _, patches = encoder.patches(clip, 16000)
    period = 1 + 8000 // 256
    assert patches.shape == (1, 187, 96)
    torch.testing.assert_close(patches[0, :period], patches[0, period : 2 * period])


def test_vectors_do_not_depend_on_the_company_of_a_clip(random_variables):
    encoder = musicnn.Musicnn(random_variables, "4")
    random = np.random.default_rng(0)
    clips = [random.standard_normal(n).astype(np.float32) for n in (90000, 40000, 130000)]
    together = encoder.encode(clips, 22050, [[]] * 3)
    for clip, (_, vectors) in zip(clips, together, strict=True):
        ((_, alone),) = encoder.encode([clip], 22050, [[]])
        assert alone.tobytes() == vectors.tobytes()


def test_log_mel_of_silence_is_zero():
    filters = torch.ones(257, 96)
    assert not musicnn.log_mel(np.zeros(16000, np.float32), filters).any()


@pytest.mark.parametrize("layer", ["0", "6", "4.0", "mean"])
def test_unknown_layer_names_the_key(random_variables, layer):
    with pytest.raises(ConfigError, match=r"features\.audio\.musicnn\.layer"):
        musicnn.Musicnn(random_variables, layer)


def test_bands_that_do_not_divide_name_the_key(random_variables):
    with pytest.raises(ConfigError, match=r"bands: 5 does not divide the 12 bands of layer 3"):
        musicnn.Musicnn(random_variables, "3", 5)


def test_missing_wheel_says_how_to_get_it(tmp_path):
    with pytest.raises(ConfigError, match="ugaar fetch --name musicnn"):
        musicnn.read_wheel(tmp_path / "none.whl")


def test_other_archives_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("other.py", "")
    (tmp_path / "b.whl").write_bytes(b"PK\x03\x04 broken")
    for name in ("a.whl", "b.whl"):
        with pytest.raises(DataError, match=f"{name}: not the musicnn"):
            musicnn.read_wheel(tmp_path / name)


def render(folder, program):
    """Return 6 s of a tune, played by TiMidity++ with one General MIDI program."""
    midi = pretty_midi.PrettyMIDI()
    instrument = pretty_midi.Instrument(program)
    for number, pitch in enumerate((60, 64, 67, 72, 71, 67, 69, 65, 62, 64, 60, 67)):
        instrument.notes.append(pretty_midi.Note(90, pitch, number / 2, (number + 1) / 2))
    midi.instruments.append(instrument)
    midi.write(str(folder / "tune.mid"))
    soundfont = Path(pretty_midi.__file__).parent / "TimGM6mb.sf2"
    (folder / "timidity.cfg").write_text(f"soundfont {soundfont}\n")
    command = ["timidity", "-c", "timidity.cfg", "-Ow", "-s", "22050", "--output-mono"]
    command += ["-o", "tune.wav", "tune.mid"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
    return soundfile.read(folder / "tune.wav", dtype="float32")


@pytest.mark.skipif(shutil.which("timidity") is None, reason="TiMidity++ is not installed")
@pytest.mark.parametrize(("program", "tag"), [(0, "piano"), (24, "guitar")])
def test_rendered_instruments_are_heard_as_what_they_are(tmp_path, model, program, tag):
    samples, rate = render(tmp_path, program)
    tags = musicnn.tag(samples, rate, *model)
    instruments = ("piano", "guitar", "violin", "flute", "cello", "sitar", "harp", "drums")
    assert max(instruments, key=tags.__getitem__) == tag
    assert tags[tag] > 0.4
