"""Show a progress bar on stderr, on a terminal only; it is removed when the work is done."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Progress = Callable[[int, int], None]
REFRESH_S = 0.1


@contextmanager
def progress_bar(label: str, unit: str = "accesses", quiet: bool = False) -> Iterator[Progress | None]:
    """Yield the callback that moves the bar, or None if stderr is no terminal.

    The callback takes the units done and their total, 0 if it is not known; a new phase starts from 0 again.
    """
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    done = MofNCompleteColumn()
    columns = (TextColumn("{task.description}"), BarColumn(), done, TextColumn(unit), TimeRemainingColumn())
    # Without a thread of its own, which the system might refuse: the callback draws.
    with Bar(*columns, console=Console(file=_Forgiving()), transient=True, auto_refresh=False) as bar:
        task, drawn = bar.add_task(label, total=None), 0.0

        def move(done: int, total: int) -> None:
            nonlocal drawn
            bar.update(task, completed=done, total=total or None)
            if time.monotonic() - drawn > REFRESH_S:
                bar.refresh()
                drawn = time.monotonic()

        bar.refresh()
        yield move


class _Forgiving(io.TextIOWrapper):
    """Write to stderr, as it is before rich puts itself in its place; if the terminal has gone, the work goes on."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding=sys.stderr.encoding)
        self.stream = sys.stderr

    def write(self, text: str) -> int:
        with suppress(OSError):
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()
