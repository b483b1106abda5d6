"""The command line: one verb per stage of the workflow, and the commands around them.

Every stage is a module in `ugaar.stages` named after its verb, with
    SETTINGS              dotted configuration keys that it reads
    add_arguments(parser) its files
    run(arguments, settings)
Modules are imported only when their verb is called: a job pays for what it uses.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import sys
from collections.abc import Sequence

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

STAGES = {
    "resolve-config": "write the configuration that is used, defaults included",
    "fetch": "get a file named in config/sources.tsv and check its sha256",
    "ingest": "read scores or MIDI files into songs (one shard)",
    "window": "join the songs and cut them into windows",
    "split": "build duplicate groups and draw train, valid and test folds",
    "rejects": "join the rejects of all stages",
    "render-audio": "synthesise windows with TiMidity++ (one shard)",
    "render-sheet": "engrave windows with the configured engraver (one shard)",
    "funnel": "count what was kept and what was lost, from files to folds",
    "train-system": "train one audio-sheet system with one seed",
    "embed-system": "encode the test snippets by a trained audio-sheet system",
    "train-encoder": "train or load the audio-sheet encoder",
    "features-audio": "encode audio clips (one shard)",
    "features-sheet": "encode sheet strips (one shard)",
    "features-lyrics": "train or load the skip-gram models and encode lyrics",
    "merge-audio": "join audio features and take means",
    "merge-sheet": "join sheet features and take means",
    "ground-truth": "find the nearest neighbours in the CCA space of audio and sheet",
    "train": "train one method with one seed and embed the windows",
    "evaluate": "rank the test fold for every seed of one method",
    "metrics": "summarise ranks with confidence intervals",
    "tables": "write the paper's tables",
    "compare-splits": "set protocols and draws of the folds side by side",
    "transfer": "test methods trained on another collection on this one",
    "figures": "draw the figures",
    "ingest-versions": "read recordings of chroma features and the works they play",
    "align-versions": "lay the versions of each work on each other, deal the works to folds",
    "train-shingles": "train the shingle network of one fold, code length and seed",
    "evaluate-shingles": "search the collection with the shingles of every work",
    "versions-tables": "summarise the retrieval of versions and write its tables",
    "versions-figure": "draw the retrieval of versions against the length of the code",
    "ingest-pieces": "read MIDI files or tunes without lyrics into pieces (one shard)",
    "pieces": "join the pieces, cut written-out repeats and drop short and double ones",
    "split-pieces": "keep pieces that share a run of notes together, and draw folds",
    "align": "check strip and recording of every piece note by note, and list its onsets",
    "store-strips": "put the strips of all pieces into one array on disk",
    "store-spectrograms": "put the spectrograms of all pieces into one array on disk",
    "twins": "count places of the pieces that look and sound the same",
    "evaluate-system": "rank the test snippets of one audio-sheet system",
    "system-metrics": "summarise the ranks of the audio-sheet systems",
    "identify": "find each test piece by the votes of its snippets",
    "system-tables": "write the tables of the audio-sheet systems",
    "system-figures": "draw the figures of the audio-sheet systems",
}

COMMANDS = {
    "doctor": "check programs, soundfont, GPU and disk",
    "data": "list, fetch or verify the data and weights that a configuration needs",
    "run": "run the workflow with one line per finished job",
    "export": "write vectors as npy, CSV or plain Parquet, songs as MIDI",
    "results": "write docs/results.md from the tables of finished runs",
    "dictionary": "print the data dictionary of every table",
}


def module_of(verb: str) -> str:
    """Return the module that implements a verb."""
    package = "ugaar.stages" if verb in STAGES else "ugaar.commands"
    return f"{package}.{verb.replace('-', '_')}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ugaar", description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, purpose in {**COMMANDS, **STAGES}.items():
        verbs.add_parser(verb, help=purpose, add_help=False)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; return 0, 1 for a failure or 2 for wrong usage or configuration."""
    argv = list(sys.argv[1:] if argv is None else argv)
    verb = _parser().parse_args(argv[:1] or ["--help"]).verb
    # Results must not depend on the number of cores: sums in BLAS change with the thread count.
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", datefmt="%H:%M:%S"
    )
    from ugaar import disk
    from ugaar.errors import ConfigError, UgaarError

    try:
        module = importlib.import_module(module_of(verb))
        parser = argparse.ArgumentParser(
            prog=f"ugaar {verb}", description={**STAGES, **COMMANDS}[verb]
        )
        module.add_arguments(parser)
        if verb not in STAGES:
            return module.run(parser.parse_args(argv[1:])) or 0
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--settings", help="the stage's settings as JSON (set by Snakemake)")
        choice.add_argument(
            "--config",
            nargs="+",
            default=["config.yaml"],
            help="configuration files, later ones over earlier ones",
        )
        arguments = parser.parse_args(argv[1:])
        if arguments.settings:
            settings = json.loads(arguments.settings)
        else:
            from ugaar.settings import load, subset

            config = load(arguments.config, "workflow/schemas/config.schema.yaml")
            # A stage may need further keys for some of its options.
            keys = module.keys(arguments) if hasattr(module, "keys") else module.SETTINGS
            settings = subset(config, keys)
        module.run(arguments, settings)
    except ConfigError as error:
        logging.error("%s", error)
        return 2
    except UgaarError as error:
        logging.error("%s", error)
        return 1
    except OSError as error:
        if not disk.is_full(error):
            raise
        logging.error("%s", disk.full_meanwhile(str(error.filename or "a file of this command")))
        return 1
    return 0
