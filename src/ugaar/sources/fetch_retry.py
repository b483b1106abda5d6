"""Trying again: what is worth it, how often, and how long to wait."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ugaar.errors import DataError

LONGEST_PAUSE_S = 60.0

Result = TypeVar("Result")


@dataclass(frozen=True)
class Patience:
    """How long a fetch tries.

    Attributes:
        attempts: how often the same thing is asked for.
        pause_s: wait after the first failure, seconds; it doubles each time.
        silence_s: longest wait for a server that says nothing, seconds.
        program_s: longest run of one call of git or pip, seconds.
    """

    attempts: int = 4
    pause_s: float = 2.0
    silence_s: float = 30.0
    program_s: float = 3600.0


class UnavailableError(DataError):
    """Something could not be had from the network.

    Args:
        message: what, from where, and why.
        lasting: it will be the same the next time: asking again is pointless.
        after_s: wait that the server asks for, seconds.
    """

    def __init__(self, message: str, *, lasting: bool = False, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.lasting = lasting
        self.after_s = after_s


def persist(action: Callable[[], Result], patience: Patience) -> Result:
    """Call an action until it succeeds or fails for good.

    Raises:
        UnavailableError: the last failure.
    """
    for attempt in range(1, patience.attempts + 1):
        try:
            return action()
        except UnavailableError as error:
            if error.lasting or attempt == patience.attempts:
                raise
            pause_s = max(patience.pause_s * 2 ** (attempt - 1), error.after_s)
            pause_s = min(pause_s, LONGEST_PAUSE_S)
            logging.warning(
                "%s; attempt %d of %d, next in %.3g s", error, attempt, patience.attempts, pause_s
            )
            time.sleep(pause_s)
    raise ValueError(f"attempts must be at least 1, got {patience.attempts}")
