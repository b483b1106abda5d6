"""`ugaar doctor` on a whole and on a broken machine."""

import argparse
import json

from ugaar.commands import doctor


def arguments(tmp_path, json_output=False, soundfont=None):
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps({"audio": {"soundfont": soundfont}}))
    return argparse.Namespace(json=json_output, config=str(config))


def test_whole_machine(tmp_path, capsys):
    assert doctor.run(arguments(tmp_path)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "everything needed is here"
    columns = {
        line.index(text) for line in lines for text in ("TiMidity++ v", "GNU Lily") if text in line
    }
    assert len(columns) == 1


def test_missing_programs_and_wrong_font(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    wrong = tmp_path / "font.sf3"
    wrong.write_bytes(b"OggS")
    assert doctor.run(arguments(tmp_path, soundfont=str(wrong))) == 1
    said = capsys.readouterr().out
    assert "-> install it (Debian: apt-get install lilypond)" in said
    assert said.splitlines()[-1] == "missing: TiMidity++, LilyPond, Ghostscript, soundfont"


def test_json(tmp_path, capsys):
    assert doctor.run(arguments(tmp_path, json_output=True)) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["soundfont"]["status"] == "ok"
    assert found["Python"]["remedy"] == ""
    assert set(doctor.PACKAGES) < set(found)


def test_package_that_is_missing(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    finding = next(f for f in doctor.check(None) if f.name == "no-such-package")
    assert finding.status == "missing"
    assert "make setup" in finding.remedy


def test_the_engraver_of_the_configuration_is_what_is_needed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    names = {
        engraver: [f.name for f in doctor.check(None, engraver)] for engraver in (None, "verovio")
    }
    assert {"LilyPond", "Ghostscript"} <= set(names[None])
    assert "verovio" not in names[None]
    assert not {"LilyPond", "Ghostscript"} & set(names["verovio"])
    config = tmp_path / "config.yaml"
    config.write_text("sheet: {renderer: verovio}\n")
    assert doctor._configured(config, "sheet", "renderer") == "verovio"


def test_missing_verovio_names_its_requirements():
    finding = doctor._package("no-such-package", doctor.VEROVIO_REMEDY)
    assert finding.status == "missing"
    assert "requirements-verovio.txt" in finding.remedy
