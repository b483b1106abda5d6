"""What this machine has, found out without importing torch."""

from __future__ import annotations

from pathlib import Path

DEVICE_FOLDER = Path("/dev")


def wants_gpu(device: str) -> bool:
    """Return whether a training job will use a GPU.

    Args:
        device: the config key: cpu, cuda or auto (a GPU when this machine has one).
    """
    return device == "cuda" or (device == "auto" and any(DEVICE_FOLDER.glob("nvidia[0-9]*")))
