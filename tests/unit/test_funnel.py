"""Guards the funnel: what is kept and what is lost at a step add up to what came into it."""

from ugaar.score.funnel import funnel_rows, with_paths

SONGS = [{"song_id": f"s{i}", "path": f"f{i // 2}"} for i in range(4)]
WINDOWS = [
    {"window_id": f"s{i}-{k}", "song_id": f"s{i}", "source_key": f"{i}{k}" if i else "same"}
    for i in range(3)
    for k in range(2)
]


def _reject(stage, level, item, reason, path="f0"):
    return {"stage": stage, "level": level, "item": item, "reason": reason, "path": path}


REJECTS = [
    _reject("ingest", "file", "f9", "no-lyrics"),
    _reject("ingest", "file", "f8", "unreadable-score"),
    _reject("window", "song", "s3", "too-few-notes"),
    _reject("window", "window", "s0-2", "silence-over-limit"),
    _reject("render-sheet", "window", "s2-1", "not-notatable"),
    _reject("render-audio", "window", "s2-1", "silent"),
]
RENDERED = ["s0-0", "s0-1", "s1-0", "s1-1", "s2-0"]
FOLDS = {
    w["window_id"]: fold for w, fold in zip(WINDOWS, ["train"] * 3 + ["test"] * 3, strict=True)
}


def _counts():
    rows = funnel_rows(SONGS, 123, WINDOWS, RENDERED, FOLDS, REJECTS)
    return {(row["step"], row["reason"]): row["count"] for row in rows}


def test_hand_worked_counts():
    assert _counts() == {
        ("files", "kept"): 2,
        ("files", "no-lyrics"): 1,
        ("files", "unreadable-score"): 1,
        ("songs", "kept"): 3,
        ("songs", "too-few-notes"): 1,
        ("notes", "kept"): 123,
        ("windows", "kept"): 6,
        ("windows", "silence-over-limit"): 1,
        ("distinct", "kept"): 5,
        ("distinct", "repeated"): 1,
        ("rendered", "kept"): 5,
        ("rendered", "not-notatable"): 1,
        ("train", "kept"): 3,
        ("valid", "kept"): 0,
        ("test", "kept"): 2,
    }


def test_steps_add_up():
    counts = _counts()
    total = {
        step: sum(count for (name, _), count in counts.items() if name == step)
        for step in ("songs", "rendered")
    }
    assert total == {"songs": len(SONGS), "rendered": len(WINDOWS)}
    assert sum(counts[fold, "kept"] for fold in ("train", "valid", "test")) == len(RENDERED)


def test_a_song_id_becomes_the_source_file():
    rows = with_paths([_reject("render-audio", "window", "s2-1", "silent", "s2")], {"s2": "f1"})
    assert rows[0]["path"] == "f1"
