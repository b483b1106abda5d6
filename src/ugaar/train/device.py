"""Where networks run, and what keeps their results the same from run to run."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path

import torch

from ugaar.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """Return the device named in the config, set up for reproducible results.

    One thread, since sums change with the thread count, and deterministic algorithms wherever
    PyTorch has them.

    Args:
        name: auto (a GPU when there is one), cpu, or cuda with an optional number (cuda:1).

    Returns:
        The device.

    Raises:
        ConfigError: the name is unknown, or cuda is asked for where there is no GPU.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.backends.cudnn.benchmark = False
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and name.split(":")[0] != "cuda":
        raise ConfigError(f"device: {name!r} is not known; choose auto, cpu or cuda")
    if name != "cpu" and not torch.cuda.is_available():
        raise ConfigError(
            f"device: {name!r}, but PyTorch {torch.__version__} finds no GPU; "
            "set device: cpu or auto, or install a CUDA build of torch"
        )
    return torch.device(name)


def bfloat16_is_native(device: torch.device) -> bool:
    """Return whether a device computes in bfloat16 rather than emulating it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return "avx512_bf16" in _cpu_flags() or "amx_bf16" in _cpu_flags()


def precision_of(wanted: str, device: torch.device) -> str:
    """Return float32 or bfloat16; for `auto`, bfloat16 where the device computes in it."""
    if wanted != "auto":
        return wanted
    return "bfloat16" if bfloat16_is_native(device) else "float32"


def prepare_for_long_training(threads: int) -> None:
    """Set the threads of PyTorch, and keep memory that it frees for its next step.

    Every step allocates the same maps of some 40 MB anew. The C library would give each back to
    the system and get it again page by page, which takes a third of a step.

    Args:
        threads: of operations on the CPU. Sums depend on it in their last digits, so it comes from
            the configuration and never from the machine.
    """
    torch.set_num_threads(threads)
    try:
        set_option = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library: slower, not wrong
        return
    set_option(_MMAP_MAX, 0)
    set_option(_TRIM_THRESHOLD, 2**31 - 1)
    set_option(_TOP_PAD, 2**28)


_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
"""Options of glibc's mallopt: map nothing apart, keep free memory, take 256 MB at a time."""


@cache
def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return frozenset(flags.split())
