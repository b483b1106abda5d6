"""Guards the reading of chroma recordings: names, mending, and a reason for every bad file."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from ugaar.errors import DataError
from ugaar.sources.chroma_recordings import REMEDIES, names_of, parse, read_recordings
from ugaar.sources.unusable import UnusableFileError


def npz(chroma, times=None, **more):
    file = io.BytesIO()
    if times is None:
        times = np.arange(np.shape(chroma)[-1], dtype=float)
    np.savez(file, f_chroma=chroma, f_chroma_ax_time=times, **more)
    return file.getvalue()


def chroma(frames=30, seed=0):
    values = np.random.default_rng(seed).random((12, frames))
    return values / np.linalg.norm(values, axis=0)


def test_names_give_composer_work_and_performance():
    assert names_of("data/Chopin_Op068No4_Fou-1978_pid9071b-25.npz") == (
        "Chopin",
        "Chopin_Op068No4",
        "Fou-1978_pid9071b-25",
    )


def test_unit_vectors_are_kept_and_others_mended():
    values = chroma()
    found, changed = parse(npz(values))
    np.testing.assert_allclose(found, values.T, atol=1e-6)
    assert changed == 0
    values[:, 3] *= 7
    values[:, 4] = 0
    mended, changed = parse(npz(values))
    assert changed == 2
    np.testing.assert_allclose(np.linalg.norm(mended, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(mended[3], found[3], atol=1e-6)
    np.testing.assert_allclose(mended[4], 12**-0.5)


def _with(values, place, number):
    values = values.copy()
    values[place] = number
    return values


BAD = {
    "no zip": (b"hello", "unreadable-file"),
    "empty": (b"", "unreadable-file"),
    "cut short": (npz(chroma())[:-40], "unreadable-file"),
    "nan": (npz(_with(chroma(), (2, 5), np.nan)), "bad-chroma"),
    "negative": (npz(_with(chroma(), (2, 5), -0.5)), "bad-chroma"),
    "transposed": (npz(chroma().T, np.arange(30.0)), "bad-chroma"),
    "one axis": (npz(np.ones(12), np.arange(12.0)), "bad-chroma"),
    "text": (npz(np.full((12, 30), "x")), "bad-chroma"),
    "times missing one": (npz(chroma(), np.arange(29.0)), "bad-chroma"),
    "ten a second": (npz(chroma(), np.arange(30) / 10), "bad-chroma"),
    "silent": (npz(np.zeros((12, 30))), "silent"),
    "objects": (npz(np.full((12, 30), None)), "unsafe-file"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_its_reason(case):
    data, reason = BAD[case]
    with pytest.raises(UnusableFileError) as caught:
        parse(data)
    assert caught.value.reason == reason
    assert reason in REMEDIES


def test_a_missing_array_and_a_lying_header_are_refused():
    file = io.BytesIO()
    np.savez(file, chroma=chroma())
    with pytest.raises(UnusableFileError, match="no array f_chroma"):
        parse(file.getvalue())
    lying = io.BytesIO()
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (12, 10**12)}
    )
    with zipfile.ZipFile(lying, "w") as archive:
        archive.writestr("f_chroma.npy", header.getvalue() + bytes(80))
    with pytest.raises(UnusableFileError, match="not the size"):
        parse(lying.getvalue())


def test_bad_files_are_rejects_and_good_ones_recordings(tmp_path):
    (tmp_path / "Bach_One_x.npz").write_bytes(npz(chroma(20)))
    (tmp_path / "Bach_One_y.npz").write_bytes(npz(chroma(19)))
    (tmp_path / "nameless.npz").write_bytes(npz(chroma()))
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/Bach_One_x.npz").write_bytes(npz(chroma(40)))
    rows, rejects = read_recordings(tmp_path, 20)
    assert [(row["recording_id"], row["work"], row["n_frames"]) for row in rows] == [
        ("Bach_One_x", "Bach_One", 20)
    ]
    assert {row["path"]: row["reason"] for row in rejects} == {
        "Bach_One_y.npz": "too-short",
        "nameless.npz": "no-work-name",
        "sub/Bach_One_x.npz": "duplicate-name",
    }
    assert all(row["remedy"] and row["detail"] for row in rejects)


def test_a_folder_without_any_usable_file_is_an_error(tmp_path):
    (tmp_path / "a_b_c.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"none of 1 files is usable.*a_b_c"):
        read_recordings(tmp_path, 20)


def test_a_member_that_leads_out_is_a_reject(tmp_path):
    path = tmp_path / "set.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil_One_x.npz", npz(chroma()))
        archive.writestr("data/Bach_One_x.npz", npz(chroma()))
    rows, rejects = read_recordings(path, 20)
    assert len(rows) == 1
    assert [row["reason"] for row in rejects] == ["unsafe-file"]


@pytest.mark.skipif("UGAAR_MIRROR" not in os.environ, reason="UGAAR_MIRROR names no data folder")
def test_the_published_collection_has_its_counts():
    path = Path(os.environ["UGAAR_MIRROR"]) / "data/chroma_cens.zip"
    rows, rejects = read_recordings(path, 20)
    assert (len(rows), len(rejects)) == (330, 0)
    assert len({row["work"] for row in rows}) == 12
    assert sum(row["n_frames"] - 19 for row in rows) == 52332
    assert not any(row["n_mended"] for row in rows)
