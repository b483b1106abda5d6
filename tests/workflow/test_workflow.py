"""Dry runs of both profiles, configuration errors as a user meets them, and the environments."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def _snakemake(tmp_path, *options):
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "-s", str(ROOT / "Snakefile"), *options],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
    )


def _config(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text)
    return ["--configfile", str(ROOT / "config.yaml"), "mine.yaml"]


def _counts(output):
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", output, flags=re.M)}


def test_default_profile_plans_the_whole_job_in_few_jobs(tmp_path):
    profile = str(ROOT / "profiles/default")
    done = _snakemake(
        tmp_path, "-n", "--cores", "2", "--workflow-profile", profile,
        "--configfile", str(ROOT / "config.yaml"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = _counts(done.stdout + done.stderr)
    assert jobs["train"] == 40
    assert jobs["total"] <= 400


def test_slurm_profile_plans_the_same_jobs(tmp_path):
    profile = str(ROOT / "profiles/slurm")
    done = _snakemake(
        tmp_path, "-n", "--workflow-profile", profile, "--configfile", str(ROOT / "config.yaml")
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert _counts(done.stdout + done.stderr)["train"] == 40


@pytest.mark.parametrize(("device", "gpu"), [("cpu", 0), ("cuda", 1)])
def test_training_asks_for_a_gpu_only_where_the_device_is_one(tmp_path, device, gpu):
    options = _config(tmp_path, f"device: {device}\n")
    done = _snakemake(tmp_path, "-n", "--cores", "2", *options)
    text = done.stdout + done.stderr
    blocks = [block for block in text.split("\n\n") if re.search(r"^rule train:", block, re.M)]
    assert blocks
    for block in blocks:
        assert (f"gpu={gpu}" in block) or (gpu == 0 and "gpu=" not in block)


def test_a_mistyped_key_is_one_clear_error(tmp_path):
    done = _snakemake(tmp_path, "-n", *_config(tmp_path, "windows: {notes: 20}\n"))
    text = done.stdout + done.stderr
    assert done.returncode != 0
    assert "mine.yaml: unknown key 'windows'; the nearest known key is 'window'" in text
    assert "Traceback" not in text


def test_environments_hold_the_same_versions():
    pins = dict(
        line.split("==")
        for name in ("requirements.txt", "requirements-verovio.txt")
        for line in (ROOT / "envs" / name).read_text().splitlines()
        if "==" in line
    )
    pins = {name.split("[")[0].lower(): version for name, version in pins.items()}
    assert pins["torch"] == "2.13.0"
    conda_names = {"pytorch": "torch", "python-soundfile": "soundfile", "soxr-python": "soxr"}
    apt = {
        line
        for line in (ROOT / "envs/apt.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    seen, programs = set(), set()
    for file in sorted((ROOT / "envs").glob("*.yaml")):
        environment = yaml.safe_load(file.read_text())
        assert environment["channels"] == ["conda-forge", "nodefaults"]
        conda = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
        pip = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
        for dependency in [*conda, *(line.replace("==", "=") for lines in pip for line in lines)]:
            name, _, version = dependency.partition("=")
            if name in ("python", "pip"):
                continue
            if not version:
                programs.add(name)
                continue
            name = conda_names.get(name, name)
            assert pins[name] == version, (file.name, dependency)
            seen.add(name)
    assert programs == apt
    assert seen == set(pins) - {"snakemake"}


def test_every_rule_has_a_conda_environment_that_exists():
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        for name in re.findall(r'conda:\s+"([^"]+)"', file.read_text()):
            assert (file.parent / name).resolve().is_file(), (file.name, name)


def test_min_version_fits_the_pin():
    snakefile = (ROOT / "Snakefile").read_text()
    least = tuple(
        int(part) for part in re.search(r'min_version\("([\d.]+)"', snakefile)[1].split(".")
    )
    pin = re.search(r"snakemake\[reports\]==([\d.]+)", (ROOT / "envs/requirements.txt").read_text())
    assert least <= tuple(int(part) for part in pin[1].split("."))


def test_every_rule_of_a_stage_is_named_after_its_verb():
    from ugaar import cli

    text = "\n".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    verbs = set(re.findall(r"python -m ugaar ([a-z-]+)", text))
    assert verbs == set(cli.STAGES)
    rules = set(re.findall(r"^rule (\w+):", text, flags=re.M))
    assert {verb.replace("-", "_") for verb in verbs} <= rules
