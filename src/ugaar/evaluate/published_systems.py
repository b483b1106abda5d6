"""Published test rows of the audio-sheet systems, as data, and what differs here.

They are context, not targets to the decimal: other pieces, splits and soundfonts.
"""

from __future__ import annotations

LABELS = {
    "dcca": "DCCA",
    "cnn-2s": "CNN-2s",
    "cnn-4s": "CNN-4s",
    "cnn-8s": "CNN-8s",
    "cnn-2s-at": "CNN-2s-AT",
    "cnn-4s-at": "CNN-4s-AT",
    "cnn-8s-at": "CNN-8s-AT",
}
"""Names of the systems in print."""

_DCCA_METRICS = ("R@1", "R@5", "R@10", "MedR")

DCCA: dict[str, dict[str, dict[str, float]]] = {
    "dcca": {
        direction: dict(zip(_DCCA_METRICS, values, strict=True))
        for direction, values in (
            ("audio-to-sheet", (43.1, 89.1, 94.2, 2)),
            ("sheet-to-audio", (45.5, 87.8, 93.7, 2)),
        )
    }
}
"""Dorfer, Arzt and Widmer 2016, Nottingham, test: system -> direction -> metric (R@K percent)."""

DCCA_GALLERY = 16000

_CCA_METRICS = ("R@1", "R@5", "R@25", "MRR", "MedR")

CCA_LAYER: dict[str, dict[str, dict[str, float]]] = {
    system: {"audio-to-sheet": dict(zip(_CCA_METRICS, values, strict=True))}
    for system, values in {
        "cnn-2s": (48.91, 67.22, 78.27, 0.57, 2),
        "cnn-4s": (47.08, 68.19, 80.82, 0.57, 2),
        "cnn-8s": (43.46, 68.38, 82.84, 0.55, 2),
        "cnn-2s-at": (55.43, 72.64, 81.05, 0.63, 1),
        "cnn-4s-at": (58.14, 76.50, 84.60, 0.67, 1),
        "cnn-8s-at": (66.71, 84.43, 91.19, 0.75, 1),
    }.items()
}
"""Balke et al., ISMIR 2019 (soft attention), MSMD, test: system -> direction -> metric."""

CCA_LAYER_GALLERY = 10000

DCCA_NOTES = (
    "Paper: Nottingham, 16,000 test candidates; the split of its tunes and its soundfont are not "
    "stated. Here: test pieces that share no long run of notes with a training piece, engraved "
    "and synthesised by this workflow.",
    "Paper: how ties are ranked, and how many snippets have twins (the Nottingham files write "
    "their repeats out), is not stated. Here: ties by expectation, and the ceiling says what twins "
    "leave.",
)
"""What differs from the DCCA paper."""

CCA_LAYER_NOTES = (
    "Paper: piano music (MSMD, made of Mutopia scores), 10,000 test pairs, a soundfont in the test "
    "that was not trained on. Here: test pieces of this run's collection, with a soundfont that "
    "was trained on; the robustness table has unseen ones.",
    "Paper: rows as the authors presented them; the number of trainings is not stated.",
)
"""What differs from the CCA-layer papers."""
