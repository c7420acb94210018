"""Reading ahead: the next items are made in a thread while the last one is worked on."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

Item = TypeVar("Item")
DEPTH = 4
PATIENCE_SECONDS = 0.05


class _End(NamedTuple):
    error: BaseException | None


def ahead(source: Generator[Item, None, None], depth: int = DEPTH) -> Iterator[Item]:
    """The items of `source`, in their order, made by a thread that is at most `depth` items ahead.

    What `source` raises is raised here, in its place. Where the caller stops early the thread finishes the item that it
    is at, closes `source` and ends; that is waited for, but not for long: reading from a pipe may take any time.
    """
    items: SimpleQueue[Item | _End] = SimpleQueue()
    room, stopped = threading.Semaphore(depth), threading.Event()
    thread = threading.Thread(target=_produce, args=(source, items, room, stopped), name="zswapsim-reader", daemon=True)
    thread.start()
    try:
        while not isinstance(item := items.get(), _End):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        room.release()
        thread.join(PATIENCE_SECONDS)


def _produce(
    source: Generator[Item, None, None],
    items: SimpleQueue[Item | _End],
    room: threading.Semaphore,
    stopped: threading.Event,
) -> None:
    error: BaseException | None = None
    try:
        with closing(source):
            while room.acquire() and not stopped.is_set():
                items.put(next(source))
    except StopIteration:
        pass
    except BaseException as raised:  # whatever it is, it is the caller's
        error = raised
    items.put(_End(error))
