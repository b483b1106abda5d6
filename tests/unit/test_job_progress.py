"""Guards the progress display: what jobs log is what the display reads."""

import logging

import pytest

from ugaar.progress import Progress
from ugaar.report import job_progress


def test_the_display_reads_what_a_job_logs(tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        progress = Progress(10, interval_s=0.0)
        progress.step(4)
    log = tmp_path / "job.log"
    log.write_text("start\n" + "\n".join(record.getMessage() for record in caplog.records) + "\n")
    assert job_progress.last_progress(log).startswith("4/10 (40 %), ")


def test_the_newest_line_wins_and_other_lines_do_not_matter(tmp_path):
    log = tmp_path / "job.log"
    log.write_text(
        "progress 1/8 2.0/s eta 4s\nprogress 6/8 3.0/s eta 61s\nwarning: something else\n"
    )
    assert job_progress.last_progress(log) == "6/8 (75 %), 3.0/s, 1 min 01 s left"


def test_no_log_and_no_progress_give_none(tmp_path):
    assert job_progress.last_progress(tmp_path / "none.log") is None
    (tmp_path / "empty.log").write_text("")
    assert job_progress.last_progress(tmp_path / "empty.log") is None


def test_only_the_end_of_a_long_log_is_read(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("x" * 80 + "\n" + "line\n" * 100_000 + "last\n")
    assert job_progress.tail(log, 2) == ["line", "last"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.83, "0.8 s"), (42.4, "42 s"), (185, "3 min 05 s"), (7800, "2 h 10 min")],
)
def test_durations_read_well(seconds, text):
    assert job_progress.spoken_duration(seconds) == text
