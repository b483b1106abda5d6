"""Guards VGGish: its front end, its layer order, and the loading of weights made elsewhere."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from ugaar.errors import ConfigError, DataError
from ugaar.features import vggish
from ugaar.features.audio_clips import resample
from ugaar.features.mel import htk_filters
from ugaar.features.vggish_network import VggishNetwork, load_network, load_pca, postprocess

SETTINGS = {"weights": None, "activation": "relu", "pca": "none"}


def sine():
    """The smoke test of the release: 3 s of a 1 kHz sine at 44.1 kHz."""
    return np.sin(2 * np.pi * 1000 * np.linspace(0, 3, 132300)).astype(np.float32)


@pytest.fixture(scope="module")
def filters():
    return torch.from_numpy(htk_filters(16000, 512, 64, 125, 7500))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return VggishNetwork()


def settings(**changes):
    return {"features": {"audio": {"vggish": {**SETTINGS, **changes}}}}


def test_network_has_the_published_number_of_parameters(network):
    assert sum(value.numel() for value in network.parameters()) == 72_141_184


def test_smoke_test_input_has_the_published_shape(filters):
    found = vggish.examples(resample(sine(), 44100, 16000), filters)
    assert tuple(found.shape) == (3, 96, 64)
    assert found.mean(dim=(0, 1)).argmax() == htk_filters(16000, 512, 64, 125, 7500)[32].argmax()


def test_examples_are_the_log_mel_of_the_definition(filters):
    samples = np.random.default_rng(0).standard_normal(16000).astype(np.float32)
    found = vggish.examples(samples, filters)
    frame = samples[160 * 7 : 160 * 7 + 400] * (0.5 - 0.5 * np.cos(np.pi * np.arange(400) / 200))
    expected = np.log(np.abs(np.fft.rfft(frame, 512)) @ filters.numpy() + 0.01)
    np.testing.assert_allclose(found[0, 7], expected, atol=1e-4)


@pytest.mark.parametrize(
    ("n_samples", "count"), [(1, 1), (15599, 1), (15600, 1), (30959, 1), (30960, 2)]
)
def test_short_clips_are_padded_and_remainders_dropped(filters, n_samples, count):
    assert len(vggish.examples(np.zeros(n_samples, np.float32), filters)) == count


def test_flattening_is_time_frequency_channel(network):
    """The first dense layer must see (6, 4, 512) in that order, as TensorFlow flattens."""
    seen = {}
    hook = network.dense[0].register_forward_hook(lambda _, inputs, __: seen.update(flat=inputs[0]))
    maps = {}
    other = network.convolutions[-1].register_forward_hook(
        lambda _, __, output: maps.update(last=output)
    )
    with torch.inference_mode():
        network(torch.rand(1, 96, 64))
    hook.remove()
    other.remove()
    pooled = torch.nn.functional.max_pool2d(maps["last"].relu(), 2)
    assert tuple(pooled.shape) == (1, 512, 6, 4)
    assert seen["flat"][0, (2 * 4 + 3) * 512 + 77] == pooled[0, 77, 2, 3]


def test_activations_differ_by_the_last_relu_only(network):
    linear = VggishNetwork("linear")
    linear.load_state_dict(network.state_dict())
    inputs = torch.rand(2, 96, 64)
    with torch.inference_mode():
        assert (linear(inputs) < 0).any()
        torch.testing.assert_close(linear(inputs).relu(), network(inputs))


@pytest.mark.parametrize(
    ("dense", "prefix", "enclosed"), [("embeddings", "", False), ("fc", "module.", True)]
)
def test_published_layouts_load(tmp_path, network, dense, prefix, enclosed):
    state = {}
    for number, layer in zip((0, 3, 6, 8, 11, 13), network.convolutions, strict=True):
        state[f"{prefix}features.{number}.weight"] = layer.weight.detach()
        state[f"{prefix}features.{number}.bias"] = layer.bias.detach()
    for number, layer in zip((0, 2, 4), network.dense, strict=True):
        state[f"{prefix}{dense}.{number}.weight"] = layer.weight.detach()
        state[f"{prefix}{dense}.{number}.bias"] = layer.bias.detach()
    state["pproc.pca_eigen_vectors"] = torch.zeros(128, 128)
    torch.save({"state_dict": state} if enclosed else state, tmp_path / "w.pth")
    loaded = load_network(tmp_path / "w.pth", "relu")
    (tmp_path / "w.pth").unlink()  # 290 MB
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value), name


def test_vectors_do_not_depend_on_the_length_of_the_batch(network):
    encoder = vggish.Vggish(network)
    long = np.random.default_rng(0).standard_normal(16000 * 10).astype(np.float32)
    (times, vectors), (_, first) = encoder.encode([long, long[:15600]], 16000, [[], []])
    assert vectors.shape == (10, 128)
    assert first.tobytes() == vectors[:1].tobytes()
    np.testing.assert_allclose(times[:2], [0.4875, 1.4475], atol=1e-6)


def test_postprocess_by_hand():
    vectors = np.eye(128, dtype=np.float32)[::-1]
    means = np.full(128, 0.5, np.float32)
    embedding = np.zeros((1, 128), np.float32)
    embedding[0, :3] = 9, 1.5, -9
    found = postprocess(embedding, vectors, means)
    # (x - 0.5) clipped to [-2, 2], then (x + 2) * 63.75, cut to whole numbers; order reversed.
    assert found[0, -3:].tolist() == [0, 191, 255]
    assert found[0, 0] == 95
    assert found.dtype == np.float32


@pytest.mark.parametrize("suffix", [".npz", ".pth"])
def test_pca_parameters_load_from_both_files(tmp_path, suffix):
    vectors, means = np.eye(128, dtype=np.float32), np.arange(128, dtype=np.float32)
    path = tmp_path / f"pca{suffix}"
    if suffix == ".npz":
        np.savez(path, pca_eigen_vectors=vectors, pca_means=means[:, None])
    else:
        torch.save(
            {"pca_eigen_vectors": torch.tensor(vectors), "pca_means": torch.tensor(means)}, path
        )
    found = load_pca(path)
    np.testing.assert_array_equal(found[0], vectors)
    np.testing.assert_array_equal(found[1], means)


def test_missing_weights_say_what_to_do(tmp_path):
    with pytest.raises(ConfigError, match=r"features\.audio\.vggish\.weights.*ugaar fetch"):
        vggish.load(None, settings(), "cpu")
    with pytest.raises(ConfigError, match=r"no such file.*config/sources\.tsv"):
        vggish.load(tmp_path / "none.pth", settings(), "cpu")
    with pytest.raises(ConfigError, match=r"features\.audio\.vggish\.pca"):
        load_pca(tmp_path / "none.npz")


def test_wrong_weights_name_the_layer(tmp_path):
    torch.save({"conv.weight": torch.zeros(3, 3)}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"\(64, 1, 3, 3\)"):
        load_network(tmp_path / "w.pth", "relu")
    (tmp_path / "bad.pth").write_bytes(b"not torch")
    with pytest.raises(DataError, match=r"bad\.pth: not a PyTorch file"):
        load_network(tmp_path / "bad.pth", "relu")
    np.savez(tmp_path / "pca.npz", pca_eigen_vectors=np.eye(3), pca_means=np.zeros(3))
    with pytest.raises(DataError, match=r"shapes \(3, 3\)"):
        load_pca(tmp_path / "pca.npz")


def test_weights_file_that_would_run_code_is_refused(tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path}/ran",)

    torch.save({"weight": Hostile()}, tmp_path / "w.pth")
    with pytest.raises(DataError, match=r"w\.pth"):
        load_network(tmp_path / "w.pth", "relu")
    assert not (tmp_path / "ran").exists()


def test_unknown_activation_names_the_key():
    with pytest.raises(ConfigError, match=r"features\.audio\.vggish\.activation"):
        VggishNetwork("tanh")


@pytest.mark.parametrize(
    ("activation", "mean", "std"), [("relu", 0.131, 0.238), ("linear", -0.0333, 0.380)]
)
def test_smoke_test_embedding_of_the_release(activation, mean, std):
    mirror = os.environ.get("UGAAR_MIRROR")
    path = Path(mirror or "") / "weights" / "vggish-10086976.pth"
    if not mirror or not path.is_file():
        pytest.skip("no VGGish weights: UGAAR_MIRROR names no folder with weights/vggish-*.pth")
    encoder = vggish.load(path, settings(activation=activation), "cpu")
    ((_, vectors),) = encoder.encode([sine()], 44100, [[]])
    # Resamplers differ: 1 % for the release's own variant, 10 % as in the newer smoke test.
    tolerance = 0.01 if activation == "relu" else 0.1
    assert vectors.mean() == pytest.approx(mean, rel=tolerance)
    assert vectors.std() == pytest.approx(std, rel=tolerance)
