"""The sentences below the tables: how the numbers were made, and what bounds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

RANKING = (
    "Ranks are tie-aware: gallery items of equal content tie; R@K is its expectation over the "
    "order of ties, MedR and MeanR use mid-ranks."
)
CHANCE = (
    "Chance is exact: R@K = 100 K/N, MedR = MeanR = (N + 1)/2, MRR = H_N/N, also in a gallery with "
    "duplicates, where a random order is one of the distinct contents and equal contents tie."
)
CUT = (
    "Smaller galleries: the fold in an order drawn once is cut into as many of that size as it "
    "holds; each query is asked in its own gallery, the same for every method, seed and direction."
)
PROTOCOLS = {
    "song-disjoint": "Protocol song-disjoint: songs that share melody or text stay in one fold.",
    "published": "Protocol published: duplicates kept, windows split at random, so that melodies "
    "and texts of the training fold come back in the test fold.",
}


def measurement_notes(metadata: Mapping[str, str], protocols: Sequence[str]) -> Iterator[str]:
    """Yield how values, spreads and intervals were made.

    Args:
        metadata: metadata of the metrics table (fold, bootstrap, confidence).
        protocols: split protocols in the table.
    """
    level = 100 * float(metadata["confidence"])
    yield (
        f"Fold {metadata['fold']}. Value: mean over seeds; ±: standard deviation over seeds; "
        f"brackets: {level:g} % interval of {metadata['bootstrap']} bootstrap resamples over "
        "queries and seeds. Windows of one song are not independent, which the interval does not "
        "count: it is somewhat narrow."
    )
    yield RANKING
    yield CHANCE
    for protocol in protocols:
        yield PROTOCOLS.get(protocol, f"Protocol {protocol}.")


def shared_content_notes(content: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield how many gallery windows share their content with another one.

    Args:
        content: modality -> content hash of each gallery window.
    """
    for modality in ("lyrics", "audio", "sheet"):
        keys = content[modality]
        counts = Counter(keys)
        shared = sum(count for count in counts.values() if count > 1)
        directions = ", ".join(f"{modality} ↔ {other}" for other in content if other != modality)
        if not shared:
            if modality == "lyrics":
                yield f"Lyrics: no two of the {len(keys)} gallery windows share their text."
            continue
        what = (
            "have the text of another one (mostly voices of one song)"
            if modality == "lyrics"
            else f"have the same {modality} as another one"
        )
        yield (
            f"{modality.capitalize()}: {shared} of {len(keys)} gallery windows {what}; "
            f"{len(counts)} are distinct. Retrieval cannot tell them apart, so no method can "
            f"exceed R@1 = {100 * len(counts) / len(keys):.1f} % in the directions {directions}."
        )


def feature_note(name: str, metadata: Mapping[str, str]) -> str:
    """Return what a feature table was made with.

    Args:
        name: stem of its file, such as audio or audio_asmcmr.
        metadata: its metadata: the encoder and its settings.
    """
    details = {key: value for key, value in metadata.items() if key not in ("encoder", "settings")}
    if "settings" in metadata:
        details |= {
            key: str(value)
            for key, value in json.loads(metadata["settings"]).items()
            if value is not None
        }
    listed = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in details.items())
    encoder = metadata.get("encoder", "encoder not recorded")
    return f"Features, {name.replace('_', ' ')}: {encoder}" + (f" ({listed})." if listed else ".")
