"""Stage store-spectrograms: the spectrograms of whole pieces as one array on disk."""

from __future__ import annotations

import argparse

from ugaar.errors import DataError
from ugaar.features.media_store import write_store
from ugaar.features.piece_media import add_arguments as add_files
from ugaar.features.piece_media import clip_layout, keys_of_pieces, spectrograms
from ugaar.features.spectrogram import FRONT_ENDS
from ugaar.parquet_files import metadata_of
from ugaar.settings import Settings
from ugaar.snippet_tables import SPECTROGRAM_INDEX

SETTINGS: tuple[str, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the files of the stage."""
    add_files(parser, "audio")
    parser.add_argument("--front-end", choices=sorted(FRONT_ENDS), required=True)
    parser.add_argument(
        "--noise-db", type=float, help="add white noise at this signal-to-noise ratio, decibels"
    )


def run(arguments: argparse.Namespace, settings: Settings) -> None:
    """Write the array and its index, whose metadata say front end, tempo and noise."""
    front_end = FRONT_ENDS[arguments.front_end]
    layout = clip_layout(arguments.audio, keys_of_pieces(arguments, "audio_key"), front_end)
    files = sorted(file for file in arguments.audio.glob("*.parquet") if file.name[0] != ".")
    found = [metadata_of(file) for file in files]
    played = {(shard.get("rendition", ""), shard.get("tempo", "1")) for shard in found}
    if len(played) > 1:
        raise DataError(
            f"{arguments.audio}: shards of several renditions (name, tempo): {sorted(played)}; "
            "delete the folder and let the workflow render it again"
        )
    rendition, tempo = played.pop()
    metadata = {"front_end": front_end.name, "rendition": rendition, "tempo": tempo}
    if arguments.noise_db is not None:
        metadata["noise_db"] = f"{arguments.noise_db:g}"
    media = spectrograms(arguments.audio, layout, front_end, arguments.noise_db)
    write_store(arguments.out, arguments.index_out, SPECTROGRAM_INDEX, layout, media, metadata)
