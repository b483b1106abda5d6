"""The preset quick: every audio-sheet system from folk tunes to tables, with the real tools."""

import pandas as pd
import pytest
from PIL import Image

SYSTEMS = ["dcca", *(f"cnn-{s}s{at}" for at in ("", "-at") for s in (2, 4, 8))]
TIMES_CHANCE = 20


@pytest.fixture(scope="module")
def quick(make_project):
    """A project whose quick run is finished (two cores)."""
    project = make_project("quick", configfile="config/quick.yaml", dataset="quick")
    project.run("--cores", "2")
    return project


@pytest.mark.slow
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("direction", ["audio-to-sheet", "sheet-to-audio"])
def test_every_system_finds_unseen_tunes_far_above_chance(quick, system, direction):
    metrics = pd.read_parquet(quick.results / "system_metrics.parquet")
    found = metrics[
        (metrics.condition == "clean") & (metrics.direction == direction) & metrics.seed.isna()
    ]
    found = found[found.gallery_size == found.gallery_size.max()]
    found = found[(found.right == "exact") & (found.metric == "R@10")].set_index("system")
    assert found.loc["chance"].n_pieces >= 20
    assert found.loc[system].value >= TIMES_CHANCE * found.loc["chance"].value


@pytest.mark.slow
def test_tunes_are_aligned_and_lie_in_one_fold(quick):
    pieces = pd.read_parquet(quick.results / "pieces.parquet").set_index("piece_id")
    aligned = pd.read_parquet(quick.results / "alignment.parquet").set_index("piece_id")
    rejects = pd.read_parquet(quick.results / "rejects.parquet")
    assert set(pieces.index) - set(aligned.index) <= set(rejects.item)
    assert len(aligned) > 0.97 * len(pieces)
    assert (aligned.n_heads == aligned.n_onsets).all()
    snippets = pd.read_parquet(quick.results / "snippets.parquet")
    assert (snippets.groupby("piece_id").fold.nunique() == 1).all()
    assert (snippets.groupby("piece_id").note.count() == aligned.n_onsets).all()
    assert snippets.groupby("piece_id").x_px.apply(lambda x: x.is_monotonic_increasing).all()
    groups = pd.read_parquet(quick.results / "piece_split.parquet").groupby("group")
    assert (groups.fold.nunique() == 1).all()


@pytest.mark.slow
def test_tables_and_pictures_of_every_system_are_there(quick):
    for name in ("systems_dcca", "systems_cca_layer", "tolerance", "robustness", "identification"):
        for suffix in ("csv", "md", "tex", "html"):
            assert (quick.results / f"tables/{name}.{suffix}").stat().st_size > 200
    for system in SYSTEMS:
        with Image.open(quick.results / f"figures/{system}/examples.png") as picture:
            assert min(picture.size) > 500


@pytest.mark.slow
def test_nothing_is_left_to_do(quick):
    assert "Nothing to be done" in quick.run("-n")
