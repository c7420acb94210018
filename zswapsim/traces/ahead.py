"""Read ahead: a thread makes the next items while the caller works on the last one."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from contextlib import closing
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

from zswapsim.signals import held

Item = TypeVar("Item")
DEPTH = 4
PATIENCE_SECONDS = 0.05


class _End(NamedTuple):
    error: BaseException | None


def ahead(source: Generator[Item, None, None], depth: int = DEPTH) -> Iterator[Item]:
    """Yield the items of `source` in order; a thread makes them, at most `depth` items ahead.

    An error that `source` raises is raised here, in its place. If the caller stops early, the thread finishes the item
    that it is making, closes `source` and ends. The caller waits for that, but not for long: a read from a pipe may
    take any time.
    """
    items: SimpleQueue[Item | _End] = SimpleQueue()
    room, stopped = threading.Semaphore(depth), threading.Event()
    thread = threading.Thread(target=_produce, args=(source, items, room, stopped), name="zswapsim-reader", daemon=True)
    try:
        with held():
            thread.start()
    except RuntimeError:  # the system has refused a thread: all that is lost is time
        yield from source
        return
    try:
        while not isinstance(item := items.get(), _End):
            with held():  # an exception inside would leave a lock taken
                room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        with held():
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
    except BaseException as raised:  # the caller gets every exception of the thread
        error = raised
    items.put(_End(error))
