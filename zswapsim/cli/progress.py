"""Show a progress bar on stderr, on a terminal only; it is removed when the work is done."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Progress = Callable[[int, int], None]


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
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
