"""Many items through one external process, losing only the item that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class StoppedError(Exception):
    """The process ended or hung before the next item was done; the text says how."""


@dataclass(frozen=True)
class Failure:
    """Why an item has no result.

    Attributes:
        reason: reason code.
        detail: what was found, in the tool's words where it has any.
    """

    reason: str
    detail: str


def run_isolated(
    items: Sequence[Item],
    attempt: Callable[[Sequence[Item]], Iterator[Result | Failure]],
    probe: Callable[[], None],
    reason: str,
) -> Generator[tuple[Item, Result | Failure], None, None]:
    """Run items in order through as few processes as possible and keep all that can be kept.

    The tools work through their input in order, so the first item without a result is the one
    that stopped the process. It is tried once more, alone; a second failure rejects it and the
    items behind it go into the next process.

    Args:
        items: what to process.
        attempt: starts one process for the items it is given and yields one result for each, in
            order; raises `StoppedError` when the process stops before an item.
        probe: raises `ToolError` when the tool cannot even process an item known to be good;
            called after an item failed alone while no item has succeeded yet.
        reason: reason code of items that stop the process.

    Yields:
        Each item with its result or failure, in order.
    """
    start, alone, any_result = 0, False, False
    while start < len(items):
        part = items[start : start + 1] if alone else items[start:]
        try:
            for item, result in zip(part, _exactly(attempt(part), len(part)), strict=True):
                any_result = any_result or not isinstance(result, Failure)
                start += 1
                alone = False
                yield item, result
        except StoppedError as stop:
            if not alone:
                alone = True
                continue
            if not any_result:
                probe()
            yield items[start], Failure(reason, str(stop))
            start, alone = start + 1, False


def _exactly(results: Iterator[Result], count: int) -> Iterator[Result]:
    done = 0
    for result in results:
        done += 1
        yield result
    if done < count:
        raise StoppedError("ended without a word before this item was done")
