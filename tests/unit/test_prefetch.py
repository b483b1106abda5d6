"""Prefetching: order, overlap, errors and the end of its thread."""

import threading

import pytest

from ugaar.train.prefetch import prefetched


def threads() -> int:
    return sum(thread.name == "prefetch" for thread in threading.enumerate())


def test_items_come_in_order_and_the_thread_ends():
    assert list(prefetched(iter(range(50)))) == list(range(50))
    assert threads() == 0


def test_the_next_item_is_made_while_one_is_used():
    made = threading.Event()

    def items():
        yield 1
        made.set()
        yield 2

    batches = prefetched(items())
    assert next(batches) == 1
    assert made.wait(timeout=5)  # nobody asked for the second item yet
    batches.close()


def test_an_error_comes_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise ZeroDivisionError("third item")

    batches = prefetched(items())
    assert [next(batches), next(batches)] == [1, 2]
    with pytest.raises(ZeroDivisionError, match="third item"):
        next(batches)
    assert threads() == 0


def test_no_more_is_made_than_is_kept_ready():
    made = []

    def items():
        for number in range(100):
            made.append(number)
            yield number

    batches = prefetched(items(), ahead=2)
    assert next(batches) == 0
    batches.close()
    # One used, two ready, one waiting for its place.
    assert len(made) <= 4
    assert threads() == 0


def test_an_iterator_left_in_the_middle_ends_its_thread():
    for item in prefetched(iter(range(10))):
        if item == 3:
            break
    assert threads() == 0
