"""Batches made by a second thread while the first one computes with the batch before."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

_Item = TypeVar("_Item")
_LOOKS_UP_EVERY_S = 0.1


class _End:
    """Marks the end of the items, and the error that ended them."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


def prefetched(items: Iterator[_Item], ahead: int = 1) -> Iterator[_Item]:
    """Yield the items of an iterator, in its order, made ahead of their use by a thread.

    The thread ends when the items do, when one of them raises (the error comes out here, after
    the items before it), and when this iterator is closed or forgotten, at the latest after the
    item that is being made.

    Args:
        items: the iterator; only the thread touches it from now on.
        ahead: items that are kept ready.

    Yields:
        The items.
    """
    ready: queue.Queue[_Item | _End] = queue.Queue(maxsize=ahead)
    stopped = threading.Event()

    def put(item: _Item | _End) -> None:
        while not stopped.is_set():
            try:
                return ready.put(item, timeout=_LOOKS_UP_EVERY_S)
            except queue.Full:
                continue

    def make() -> None:
        try:
            for item in items:
                put(item)
                if stopped.is_set():
                    return
        except BaseException as error:  # it comes out where the items are used
            put(_End(error))
        else:
            put(_End())

    thread = threading.Thread(target=make, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            item = ready.get()
            if not isinstance(item, _End):
                yield item
                continue
            if item.error is not None:
                raise item.error
            return
    finally:
        stopped.set()
        thread.join()
