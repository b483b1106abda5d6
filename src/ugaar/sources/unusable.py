"""Why a file of a source gives no song."""

from __future__ import annotations


class UnusableFileError(Exception):
    """A file that gives no song.

    Attributes:
        reason: reason code of the rejects table.
        detail: what was found.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
