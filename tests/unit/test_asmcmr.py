"""The network, its weights files, folded towers and published parameters."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from ugaar.errors import DataError, UgaarError
from ugaar.features.fast_convolution import FastTower, maximum_of_pairs
from ugaar.models.asmcmr_weights import load_lasagne, load_ucasr
from ugaar.models.encoder_file import load_encoder, save_encoder
from ugaar.models.systems.cca_layer import AudioSheetEncoder, Design, new_encoder
from ugaar.models.towers import Block

SMALL = Design((4, 4, 8, 8), 42)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def mirror(name: str) -> Path:
    folder = os.environ.get("UGAAR_MIRROR")
    if not folder:
        pytest.skip("UGAAR_MIRROR is not set: no published weights to read")
    return Path(folder) / "weights" / name


def test_parameter_count_is_that_of_the_released_network():
    # 3 x 3 convolutions, batch normalisations (2 values each) and the 1 x 1 convolution by hand.
    maps = (1, 24, 24, 48, 48, 96, 96, 96, 96)
    tower = sum(9 * a * b + 2 * b for a, b in pairwise(maps))
    encoder = AudioSheetEncoder(Design((24, 48, 96, 96), 42, "gap", sheet_code_norm=True))
    assert parameters(encoder.sheet) == parameters(encoder.audio) == tower + 96 * 32 + 64
    dense = AudioSheetEncoder(Design((24, 48, 96, 96), 84))
    assert dense.sheet.dense.weight.shape == (32, 960)
    assert dense.audio.dense.weight.shape == (32, 800)
    assert parameters(dense.sheet) == tower + 96 * 32 + 32 + 960 * 32 + 32


@pytest.mark.parametrize(("frames", "size"), [(42, 320), (84, 800), (168, 1600)])
def test_audio_head_sizes(frames, size):
    assert AudioSheetEncoder(Design((2, 2, 2, 2), frames)).audio.dense.in_features == size


def test_codes_have_unit_length():
    encoder = new_encoder(SMALL, 0).train()
    for codes in encoder(torch.rand(40, 1, 80, 100), torch.rand(40, 1, 92, 42)):
        assert codes.shape == (40, 32)
        torch.testing.assert_close(codes.norm(dim=1), torch.ones(40))


def test_pooling_before_elu_changes_nothing():
    block = Block(3, 5).eval()
    maps = torch.randn(2, 3, 9, 11)
    after = functional.elu(block.norm1(block.conv1(maps)))
    after = functional.max_pool2d(functional.elu(block.norm2(block.conv2(after))), 2)
    torch.testing.assert_close(block(maps), after)


def test_initial_weights_follow_the_seed_and_the_limit():
    encoder = new_encoder(SMALL, 3)
    weight = encoder.sheet.blocks[1].conv1.weight
    assert weight.abs().max().item() <= (3 / 36) ** 0.5
    assert weight.detach().std() == pytest.approx((1 / 36) ** 0.5, rel=0.2)
    assert torch.equal(weight, new_encoder(SMALL, 3).sheet.blocks[1].conv1.weight)
    assert not torch.equal(weight, new_encoder(SMALL, 4).sheet.blocks[1].conv1.weight)


def scrambled(design: Design) -> AudioSheetEncoder:
    """Return an encoder whose batch normalisations are not the identity."""
    encoder = new_encoder(design, 0)
    generator = torch.Generator().manual_seed(1)
    for module in encoder.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.running_mean, module.bias.data):
                tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.3)
            for tensor in (module.running_var, module.weight.data):
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return encoder.eval()


@pytest.mark.parametrize("head", ["dense", "gap"])
@pytest.mark.parametrize("sheet_code_norm", [True, False])
def test_folded_towers_equal_the_plain_ones(head, sheet_code_norm):
    encoder = scrambled(Design((4, 4, 8, 8), 84, head, sheet_code_norm))
    for tower, size in ((encoder.sheet, (80, 100)), (encoder.audio, (92, 84))):
        images = torch.rand(3, 1, *size)
        plain = tower(images).detach()
        torch.testing.assert_close(FastTower(tower, torch.float32)(images), plain)
        cosine = functional.cosine_similarity(FastTower(tower, torch.bfloat16)(images), plain)
        assert cosine.min() > 0.999


def test_strided_maxima_equal_pooling():
    maps = torch.randn(2, 3, 7, 9).contiguous(memory_format=torch.channels_last)
    assert torch.equal(maximum_of_pairs(maps), functional.max_pool2d(maps, 2))


def test_weights_file_round_trip_and_equal_bytes(tmp_path):
    encoder = scrambled(SMALL)
    save_encoder(tmp_path / "a.pt", encoder, "trained")
    save_encoder(tmp_path / "other-name.pt", encoder, "trained")
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "other-name.pt").read_bytes()
    stored = load_encoder(tmp_path / "a.pt")
    assert stored.kind == "trained"
    assert stored.encoder.design == SMALL
    assert not stored.encoder.training
    for name, value in encoder.state_dict().items():
        assert torch.equal(stored.encoder.state_dict()[name], value)


def test_bad_weights_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"missing.pt: missing; run train-encoder"):
        load_encoder(tmp_path / "missing.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(DataError, match="not a readable PyTorch file"):
        load_encoder(tmp_path / "text.pt")
    save_encoder(tmp_path / "whole.pt", new_encoder(SMALL, 0), "trained")
    (tmp_path / "cut.pt").write_bytes((tmp_path / "whole.pt").read_bytes()[:5000])
    with pytest.raises(DataError, match="not a readable PyTorch file"):
        load_encoder(tmp_path / "cut.pt")
    torch.save({"a": 1}, tmp_path / "other.pt")
    with pytest.raises(DataError, match="not an encoder file"):
        load_encoder(tmp_path / "other.pt")


def test_a_pickle_that_would_run_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'ran'}",))

    torch.save({"model_params": Evil()}, tmp_path / "evil.pt")
    for load in (load_encoder, load_ucasr):
        with pytest.raises(DataError):
            load(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_other_files_are_no_published_weights(tmp_path):
    (tmp_path / "empty.pkl").write_bytes(b"")
    with pytest.raises(UgaarError):
        load_lasagne(tmp_path / "empty.pkl")
    torch.save({"model_params": {"a": torch.zeros(1)}}, tmp_path / "other.pt")
    with pytest.raises(DataError, match="not a ucasr weights file"):
        load_ucasr(tmp_path / "other.pt")
    with pytest.raises(DataError, match="missing"):
        load_ucasr(tmp_path / "none.pt")


def test_released_lasagne_parameters():
    encoder = load_lasagne(mirror("params_all_split_mutopia_full_aug.pkl"))
    assert encoder.design == Design((24, 48, 96, 96), 42, "gap", sheet_code_norm=True)
    norms = [m for m in encoder.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 18
    assert all((norm.running_var > 0).all() for norm in norms)
    # A blank page and one of notes give different unit-length codes.
    page = torch.ones(2, 1, 80, 100)
    page[1, :, 30:51:5] = 0.0
    page[1, :, 20:60, 10:90:8] = 0.0
    codes = encoder.sheet_codes(encoder.sheet(page)).detach()
    np.testing.assert_allclose(codes.norm(dim=1), 1.0, rtol=1e-5)
    assert codes[0] @ codes[1] < 0.9


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (load_lasagne, "params_all_split_mutopia_full_aug.pkl"),
        (load_ucasr, "ucasr_params_mc_mixed.pt"),
    ],
)
def test_published_first_layers_have_seen_white_paper(load, name):
    # A page is nearly white, so the stored mean of each first map is nearly the sum of its kernel
    # times the page's mean: paper is 1, and kernels and statistics belong together.
    block = load(mirror(name)).sheet.blocks[0]
    sums = block.conv1.weight.detach().sum(dim=(1, 2, 3)).numpy()
    means = block.norm1.running_mean.numpy()
    assert np.corrcoef(sums, means)[0, 1] > 0.99
    assert 0.7 < sums @ means / (sums @ sums) < 1.0


def test_ucasr_parameters():
    encoder = load_ucasr(mirror("ucasr_params_mc_mixed.pt"))
    assert encoder.design == Design((24, 48, 96, 96), 84, "dense", sheet_code_norm=True)
    assert torch.linalg.matrix_rank(encoder.cca.first_projection) == 32
