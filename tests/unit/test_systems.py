"""The audio-sheet systems: what they see, what they are made of, and how they are configured."""

import copy
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import nn

from ugaar.errors import ConfigError, DataError
from ugaar.features.spectrogram import FRONT_ENDS
from ugaar.models.system_file import build_system, load_system, save_system
from ugaar.settings import load_yaml
from ugaar.systems import check_systems, known_models, options_of, plan_system

ROOT = Path(__file__).parents[2]
CONFIG = load_yaml(ROOT / "config.yaml")["audio_sheet"]
SMALL = [2, 2, 4, 4]


def section(**systems):
    return {"training": CONFIG["training"], "trained": None, "systems": systems}


def small(model, seed=0, **options):
    return build_system(model, {**options_of(model), "maps": SMALL, **options}, seed)


def batch(system, n=40, seed=0):
    random = torch.Generator().manual_seed(seed)
    shape = system.shape
    bins = FRONT_ENDS[system.front_end].n_bins
    return (
        torch.rand(n, 1, shape.crop_height, shape.crop_width, generator=random),
        torch.rand(n, 1, bins, shape.frames, generator=random),
    )


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def blocks_by_hand(maps) -> int:
    """Two 3 x 3 convolutions without bias and two batch normalisations a block."""
    return sum(9 * (a * b + b * b) + 4 * b for a, b in pairwise((1, *maps)))


@pytest.mark.parametrize("model", known_models())
def test_every_system_trains_on_what_it_says_it_sees(model):
    system = small(model).train()
    crops, excerpts = batch(system)
    sheet, audio = system.sheet(crops), system.audio(excerpts)
    assert sheet.shape == audio.shape == (40, 32)
    system.loss(sheet, audio).backward()
    for name, parameter in system.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
    assert any(parameter.grad.abs().max() > 0 for parameter in system.audio.parameters())
    system.eval()
    with torch.no_grad():
        sheet, audio = system.sheet(crops), system.audio(excerpts)
        system.refit(sheet, audio)
        for codes in (system.sheet_codes(sheet), system.audio_codes(audio)):
            torch.testing.assert_close(codes.norm(dim=1), torch.ones(40))


@pytest.mark.parametrize("model", known_models())
def test_weights_follow_the_seed(model):
    first, again, other = (small(model, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("model", known_models())
def test_a_model_file_gives_the_system_back(model, tmp_path):
    plan = plan_system(section(mine={"model": model, "maps": SMALL}), "mine")
    system = build_system(model, plan.options, 3)
    save_system(tmp_path / "a.pt", plan, 3, system)
    stored = load_system(tmp_path / "a.pt")
    assert (stored.name, stored.seed) == ("mine", 3)
    assert not stored.system.training
    state = stored.system.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in system.state_dict().items())


def test_bad_model_files_are_named(tmp_path):
    with pytest.raises(DataError, match="missing; run train-system"):
        load_system(tmp_path / "none.pt")
    torch.save({"format": "another"}, tmp_path / "other.pt")
    with pytest.raises(DataError, match="not a system"):
        load_system(tmp_path / "other.pt")
    plan = plan_system(section(mine={"model": "dcca", "maps": SMALL}), "mine")
    system = build_system("dcca", plan.options, 0)
    plan.options["maps"] = [2, 2, 2, 2]
    save_system(tmp_path / "changed.pt", plan, 0, system)
    with pytest.raises(DataError, match="does not fit the present module dcca"):
        load_system(tmp_path / "changed.pt")


def test_dcca_is_the_network_of_the_paper():
    system = build_system("dcca", options_of("dcca"), 0)
    # Both towers alike: the blocks, a 1 x 1 convolution to 32 and its batch normalisation.
    tower = blocks_by_hand((16, 32, 64, 64)) + 64 * 32 + 2 * 32
    assert parameters(system.sheet) == parameters(system.audio) == tower
    assert (system.shape.crop_height, system.shape.crop_width, system.shape.frames) == (
        40,
        100,
        100,
    )
    crops, excerpts = batch(system, n=2)
    # Four poolings leave 2 x 6 places of the sheet and 8 x 6 of the sound.
    assert system.sheet.blocks(crops).shape == (2, 64, 2, 6)
    assert system.audio.blocks(excerpts).shape == (2, 64, 8, 6)


def test_dcca_counts_canonical_correlations():
    system = small("dcca")
    codes = torch.randn(400, 32, generator=torch.Generator().manual_seed(0))
    assert system.loss(codes, codes).item() == pytest.approx(-1.0, abs=0.01)
    other = torch.randn(400, 32, generator=torch.Generator().manual_seed(1))
    assert -0.6 < system.loss(codes, other).item() < 0.0


def test_attention_adds_a_network_of_as_many_maps_as_frames():
    maps = [24, 48, 96, 96]
    assert options_of("cca_attention")["maps"] == maps
    with_attention = build_system("cca_attention", {**options_of("cca_attention")}, 0)
    frames = with_attention.shape.frames
    plain = build_system("cca_layer", {**options_of("cca_layer"), "frames": frames}, 0)
    extra = parameters(with_attention) - parameters(plain)
    assert extra == blocks_by_hand(maps) + 96 * frames + frames
    weights = with_attention.attention(batch(with_attention, n=3)[1])
    assert weights.shape == (3, frames)
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(3))


def test_equal_attention_changes_nothing():
    system = small("cca_attention", frames=42).eval()
    nn.init.zeros_(system.audio.attention.frame_conv.weight)
    _, excerpts = batch(system, n=3)
    torch.testing.assert_close(system.audio(excerpts), system.audio.tower(excerpts))


def test_attention_lets_through_the_frames_that_it_chooses():
    system = small("cca_attention", frames=42).eval()
    nn.init.zeros_(system.audio.attention.frame_conv.weight)
    with torch.no_grad():
        system.audio.attention.frame_conv.bias[7] = 100.0
    _, excerpts = batch(system, n=2)
    seen = system.audio.attention(excerpts).detach()
    torch.testing.assert_close(seen[..., 7], 42.0 * excerpts[..., 7])
    assert max(seen[..., :7].max(), seen[..., 8:].max()) < 1e-30


@pytest.mark.parametrize("model", ["dcca", "cca_layer"])
def test_a_constant_column_and_silence_leave_the_loss_finite(model):
    system = small(model, head="gap") if model == "cca_layer" else small(model)
    system.train()
    with torch.no_grad():
        system.audio.code_norm.weight[3] = 0.0  # one output is constant
    crops, excerpts = batch(system)
    loss = system.loss(system.sheet(crops), system.audio(excerpts))
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in system.parameters())


def test_a_batch_smaller_than_the_codes_trains():
    for model in known_models():
        system = small(model).train()
        crops, excerpts = batch(system, n=8)
        loss = system.loss(system.sheet(crops), system.audio(excerpts))
        loss.backward()
        assert all(torch.isfinite(p.grad).all() for p in system.parameters())


def test_the_entry_of_a_system_counts_more_than_its_module_and_that_more_than_the_section():
    plan = plan_system(section(mine={"model": "dcca", "learning_rate": 0.5, "frames": 50}), "mine")
    assert plan.options == {**options_of_dcca(), "frames": 50}
    assert plan.training["learning_rate"] == 0.5
    assert plan.training["optimiser"] == "sgd"
    assert plan.training["batch_size"] == CONFIG["training"]["batch_size"]
    assert plan.training.keys() == CONFIG["training"].keys()


def options_of_dcca():
    found = options_of("dcca")
    return {key: value for key, value in found.items() if key not in CONFIG["training"]}


def test_the_default_systems_are_well_formed():
    assert list(check_systems(CONFIG)) == []
    plans = {name: plan_system(CONFIG, name) for name in CONFIG["systems"]}
    frames = {name: plan.options["frames"] for name, plan in plans.items()}
    assert frames["dcca"] == 100
    assert [frames[f"cnn-{s}s{at}"] for s in (2, 4, 8) for at in ("", "-at")] == [
        *[42] * 2,
        *[84] * 2,
        *[168] * 2,
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ({"model": "dcka"}, "model 'dcka' is not known; .* cca_attention, cca_layer, dcca"),
        ({"model": "dcca", "frame": 50}, "unknown option 'frame'; the nearest .* is 'frames'"),
        ({"model": "cca_layer", "head": "none"}, "head: 'none' is not one of 'dense', 'gap'"),
        ({"model": "dcca", "frames": 50.5}, r"frames: 50.5 is not like its default, 100"),
        ({"model": "dcca", "maps": [1, 2]}, r"maps: \[1, 2\] is not like its default"),
        ({"model": "dcca", "ridge": "much"}, "ridge: 'much' is not like its default, 0.001"),
    ],
)
def test_mistakes_in_a_system_are_named(entry, problem):
    wrong = section(mine=entry)
    with pytest.raises(ConfigError, match=f"audio_sheet.systems.mine.*{problem}"):
        plan_system(wrong, "mine")
    assert len(list(check_systems(wrong))) == 1


def test_a_system_that_is_to_be_trained_has_an_entry():
    wrong = section(mine={"model": "dcca"}) | {"trained": ["mine", "mime"]}
    assert list(check_systems(wrong)) == [
        "audio_sheet.trained: no 'mime' in audio_sheet.systems; the nearest is 'mine'"
    ]


def test_an_unknown_system_is_named():
    with pytest.raises(ConfigError, match=r"no 'cnn'; there are .*cnn-2s"):
        plan_system(CONFIG, "cnn")


def test_checking_the_systems_imports_no_network():
    # Snakemake checks the configuration at every start.
    program = "import sys, ugaar.settings, ugaar.systems; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_planning_leaves_the_configuration_as_it_was():
    before = copy.deepcopy(CONFIG)
    plan = plan_system(CONFIG, "dcca")
    plan.options["maps"] = []
    assert before == CONFIG
