"""Guards the stages evaluate, metrics and tables end to end on small tables."""

import csv
import json
from html.parser import HTMLParser

import pytest
import synthetic

from ugaar.cli import main
from ugaar.parquet_files import metadata_of, read_table, write_table
from ugaar.tables import COMPARISONS, DIRECTIONS, EMBEDDINGS, METRICS, RANKS, WINDOWS

SETTINGS = json.dumps(
    {
        "evaluate": {
            "fold": "test",
            "galleries": [5],
            "top_k": [1, 5, 10],
            "bootstrap": 50,
            "confidence": 0.9,
        }
    }
)
SPACES = {"cca": ("audio-sheet", "lyrics-audio", "sheet-lyrics")}
TEST, N_TEXTS = 12, 8


def embed(folder, method, ids, seeds=(0, 1)):
    files = []
    for seed in seeds:
        files.append(folder / method / f"seed-{seed}.parquet")
        synthetic.write_embeddings(
            files[-1],
            ids,
            method=method,
            seed=seed,
            noise=0.3,
            spaces=SPACES.get(method, ("common",)),
            similarity="cosine" if method in SPACES else "euclidean",
        )
    return files


def evaluate(folder, method, files, out=None):
    out = out or folder / "evaluate" / f"{method}.parquet"
    code = main(
        [
            "evaluate",
            "--settings",
            SETTINGS,
            "--method",
            method,
            "--embeddings",
            *map(str, files),
            "--windows",
            str(folder / "windows.parquet"),
            "--split",
            str(folder / "split.parquet"),
            "--out",
            str(out),
        ]
    )
    return code, out


def summarise(folder, parts, out):
    return main(
        [
            "metrics",
            "--settings",
            SETTINGS,
            "--ranks",
            *map(str, parts),
            "--ranks-out",
            str(out / "ranks.parquet"),
            "--metrics-out",
            str(out / "metrics.parquet"),
            "--comparisons-out",
            str(out / "comparisons.parquet"),
        ]
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Everything from windows to tables; four texts of the test fold are sung twice."""
    folder = tmp_path_factory.mktemp("run")
    synthetic.write_windows(folder, n=30, test=TEST, n_texts=N_TEXTS)
    ids = read_table(folder / "windows.parquet", WINDOWS)["window_id"].to_pylist()
    parts = []
    for method in ("random", "cca", "baseline", "baseline-gan", "ugaar"):
        code, out = evaluate(folder, method, embed(folder, method, ids))
        assert code == 0
        parts.append(out)
    assert summarise(folder, parts, folder) == 0
    assert (
        main(
            [
                "tables",
                "--settings",
                "{}",
                "--metrics",
                str(folder / "metrics.parquet"),
                "--comparisons",
                str(folder / "comparisons.parquet"),
                "--windows",
                str(folder / "windows.parquet"),
                "--split",
                str(folder / "split.parquet"),
                "--out-dir",
                str(folder / "tables"),
            ]
        )
        == 0
    )
    return folder, ids, parts


def test_only_the_chosen_fold_is_ranked(finished):
    folder, ids, _ = finished
    ranks = read_table(folder / "ranks.parquet", RANKS)
    assert set(ranks["window_id"].to_pylist()) == set(ids[-TEST:])
    assert set(ranks["gallery_size"].to_pylist()) == {TEST, 5}
    # The whole fold, and two galleries of five with two windows left over.
    assert len(ranks) == 5 * 2 * 6 * (TEST + 10)
    assert metadata_of(folder / "ranks.parquet") == {"fold": "test"}


def test_pair_spaces_serve_both_directions(finished):
    folder, _, _ = finished
    rows = read_table(folder / "ranks.parquet", RANKS).to_pylist()
    assert {row["direction"] for row in rows if row["method"] == "cca"} == set(DIRECTIONS)


def test_seeds_and_methods_may_come_in_any_order(finished, tmp_path):
    folder, ids, parts = finished
    files = embed(tmp_path, "ugaar", ids)
    code, out = evaluate(folder, "ugaar", files[::-1], tmp_path / "ugaar.parquet")
    assert code == 0
    assert out.read_bytes() == parts[-1].read_bytes()
    assert summarise(folder, parts[::-1], tmp_path) == 0
    for name in ("ranks", "metrics", "comparisons"):
        written = (tmp_path / f"{name}.parquet").read_bytes()
        assert written == (folder / f"{name}.parquet").read_bytes()


def test_a_window_that_was_not_rendered_leaves_query_and_gallery(finished, tmp_path):
    folder, ids, _ = finished
    table = read_table(embed(tmp_path, "ugaar", ids, seeds=(0,))[0], EMBEDDINGS)
    rows = [
        row
        for row in table.to_pylist()
        if not (row["window_id"] == ids[-1] and row["modality"] == "sheet")
    ]
    part = tmp_path / "part.parquet"
    metadata = {"method": "ugaar", "seed": "0", "similarity": "euclidean"}
    write_table(part, EMBEDDINGS, rows, metadata=metadata)
    code, out = evaluate(folder, "ugaar", [part], tmp_path / "ranks.parquet")
    assert code == 0
    ranks = read_table(out, RANKS)
    assert ids[-1] not in ranks["window_id"].to_pylist()
    assert set(ranks["gallery_size"].to_pylist()) == {TEST - 1, 5}


def test_metrics_hold_chance_and_every_seed(finished):
    folder, _, _ = finished
    rows = read_table(folder / "metrics.parquet", METRICS).to_pylist()
    seeds = {(row["method"], row["seed"]) for row in rows}
    assert seeds >= {("chance", None), ("ugaar", 0), ("ugaar", 1), ("ugaar", None)}
    chance = {
        (row["gallery_size"], row["metric"]): row["value"]
        for row in rows
        if row["method"] == "chance"
    }
    assert chance[TEST, "R@5"] == pytest.approx(500 / TEST)
    assert chance[TEST, "MedR"] == (TEST + 1) / 2
    assert chance[5, "R@5"] == 100
    compared = read_table(folder / "comparisons.parquet", COMPARISONS)
    assert len(compared) == 4 * 4 * 7  # pairs x metrics x (directions and their mean)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"similarity": "dot"}, "similarity 'dot' is unknown"),
        ({"similarity": None}, "metadata lack similarity"),
        ({"method": "cca"}, "holds method 'cca', expected 'ugaar'"),
    ],
)
def test_wrong_embeddings_are_named(finished, tmp_path, caplog, change, message):
    folder, ids, _ = finished
    rows = read_table(embed(tmp_path, "ugaar", ids, seeds=(0,))[0], EMBEDDINGS)
    metadata = {"method": "ugaar", "seed": "0", "similarity": "euclidean"} | change
    metadata = {key: value for key, value in metadata.items() if value is not None}
    wrong = tmp_path / "wrong.parquet"
    write_table(wrong, EMBEDDINGS, rows, metadata=metadata)
    code, out = evaluate(folder, "ugaar", [wrong], tmp_path / "ranks.parquet")
    assert code == 1
    assert message in caplog.text
    assert "wrong.parquet" in caplog.text
    assert not out.exists()


def test_seeds_on_different_windows_are_refused(finished, tmp_path, caplog):
    folder, ids, _ = finished
    one = embed(tmp_path / "one", "ugaar", ids, seeds=(0,))
    other = embed(tmp_path / "other", "ugaar", ids[:-1], seeds=(1,))
    code, out = evaluate(folder, "ugaar", one + other, tmp_path / "ranks.parquet")
    assert code == 1
    assert "train all seeds on the same features" in caplog.text
    assert not out.exists()
    assert not list(tmp_path.glob(".ranks*"))


def test_a_seed_given_twice_is_refused(finished, tmp_path, caplog):
    folder, ids, _ = finished
    files = embed(tmp_path, "ugaar", ids, seeds=(0,))
    assert evaluate(folder, "ugaar", files * 2, tmp_path / "ranks.parquet")[0] == 1
    assert "give each seed once" in caplog.text


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("table", "metrics", "paper"), [("1", 2, 3 * 6 * 2), ("2", 7, 2 * 6 * 5)])
def test_csv_tells_every_number_apart(finished, table, metrics, paper):
    folder, _, _ = finished
    rows = read_csv(folder / "tables" / f"table_{table}.csv")
    blocks = {
        name: [row for row in rows if row["block"] == name]
        for name in ("this run", "exact chance", "paper")
    }
    assert len(rows) == sum(len(part) for part in blocks.values())
    assert len(blocks["this run"]) == 5 * 6 * metrics
    assert len(blocks["exact chance"]) == 6 * metrics
    assert len(blocks["paper"]) == paper
    # What the paper does not state stays empty; what this run measured does not.
    assert {row["gallery_size"] for row in blocks["paper"]} == {""}
    assert {row["gallery_size"] for row in blocks["this run"]} == {str(TEST)}
    assert all(
        float(row["ci_low"]) <= float(row["value"])
        for row in blocks["this run"]
        if row["metric"] == "R@1"
    )


def test_markdown_keeps_ours_and_the_paper_apart(finished):
    folder, _, _ = finished
    text = (folder / "tables" / "table_1.md").read_text(encoding="utf-8")
    ours, rest = text.split("## Exact chance")
    chance, paper = rest.split("## Published in the paper (Table I)")
    assert "[paper]" not in ours + chance
    assert "| UGAAR [paper] |" in paper
    assert "5.02 / 715.6" in paper
    assert "| UGAAR | song-disjoint | 12 | 2 |" in ours
    for line in ours.splitlines():
        if line.startswith("|"):
            assert line.count("|") == 11  # four labels and six directions


def test_shared_texts_are_counted_and_stated(finished):
    folder, _, _ = finished
    text = (folder / "tables" / "table_2.md").read_text(encoding="utf-8")
    assert "8 of 12 gallery windows have the text of another one" in text
    assert "8 are distinct" in text


def test_shared_texts_bound_the_recall():
    from ugaar.evaluate.notes import shared_content_notes

    notes = list(
        shared_content_notes(
            {"lyrics": list("aabcd"), "audio": list("abcde"), "sheet": list("aabbc")}
        )
    )
    assert len(notes) == 2
    assert "2 of 5 gallery windows have the text of another one" in notes[0]
    assert "R@1 = 80.0 %" in notes[0]
    assert "lyrics ↔ audio, lyrics ↔ sheet" in notes[0]
    assert "4 of 5 gallery windows have the same sheet" in notes[1]
    assert "R@1 = 60.0 %" in notes[1]


def test_latex_is_balanced(finished):
    folder, _, _ = finished
    for name, width in (("table_1", 16), ("table_2", 12), ("comparisons", 9)):
        text = (folder / "tables" / f"{name}.tex").read_text(encoding="utf-8")
        plain = text.replace(r"\{", "").replace(r"\}", "").replace(r"\%", "")
        depth = 0
        for character in plain:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0
        assert depth == 0
        assert plain.count("$") % 2 == 0
        for environment in ("table*", "tabular"):
            assert text.count(rf"\begin{{{environment}}}") == 1
            assert text.count(rf"\end{{{environment}}}") == 1
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len(rows) > 4
        for row in rows:
            spanned = sum(int(part.split("}")[0]) - 1 for part in row.split(r"\multicolumn{")[1:])
            assert row.replace(r"\&", "").count("&") + 1 + spanned == width
        # A % that is not escaped would hide the rest of its line.
        assert [line for line in plain.splitlines() if "%" in line] == [
            plain.splitlines()[0],
            r"\resizebox{\textwidth}{!}{%",
        ]
        assert text.isascii()


def test_latex_escapes_what_it_would_interpret():
    from ugaar.report.table_formats import latex_escape

    assert latex_escape("a_b & 50 % {x} #1 $ ~^") == (
        r"a\_b \& 50 \% \{x\} \#1 \$ \textasciitilde{}\textasciicircum{}"
    )
    assert latex_escape("a\\b → ± −") == r"a\textbackslash{}b $\rightarrow$ $\pm$ $-$"


class Structure(HTMLParser):
    """Counts cells a row and refuses anything left open or fetched from elsewhere."""

    VOID = ("meta",)

    def __init__(self):
        super().__init__()
        self.open, self.widths = [], []

    def handle_starttag(self, tag, attrs):
        """Note an opened tag, and the columns that a cell takes."""
        assert not {"src", "href"} & dict(attrs).keys()
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "tr":
            self.widths.append(0)
        if tag in ("td", "th"):
            self.widths[-1] += int(dict(attrs).get("colspan", 1))

    def handle_endtag(self, tag):
        """Close the tag that was opened last."""
        assert self.open.pop() == tag


@pytest.mark.parametrize(("name", "width"), [("table_1", 16), ("table_2", 12), ("comparisons", 9)])
def test_html_is_whole_and_self_contained(finished, name, width):
    folder, _, _ = finished
    parser = Structure()
    parser.feed((folder / "tables" / f"{name}.html").read_text(encoding="utf-8"))
    parser.close()
    assert parser.open == []
    assert set(parser.widths) == {width}


def test_encoders_are_named():
    from ugaar.evaluate.notes import feature_note

    metadata = {"encoder": "musicnn", "settings": '{"layer": "4", "weights": null}'}
    assert feature_note("audio", metadata) == "Features, audio: musicnn (layer 4)."
    assert feature_note("audio_asmcmr", {}) == "Features, audio asmcmr: encoder not recorded."
