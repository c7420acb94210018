"""The native form as it is opened: Arrow, which takes a while to import, is asked for once it is needed."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import IO

from zswapsim.traces.trace import Chunk, Progress, Trace
from zswapsim.traces.whole import WholeFile, events_begun, open_whole


class ParquetTrace(Trace):
    """A Parquet file with the columns page and op, optionally time_ns and process; others are left out.

    Any integer type will do for page, time_ns and process; op may be text (R or W) or an integer (0 or 1). Raises
    InputError where the file can't be read or lacks a column; where it is being read already, only on reading.
    """

    def __init__(self, path: str | Path) -> None:
        self.name, self.path = str(path), path
        self.events = events_begun(self.name) or self._arrow.events

    @cached_property
    def _arrow(self) -> Trace:
        from zswapsim.traces.arrowform import ArrowTrace

        return ArrowTrace(self.path)

    def chunks(self) -> Iterator[Chunk]:
        """Every row."""
        return self._arrow.chunks()

    def accesses(self) -> Iterator[Chunk]:
        """Every row, without its time."""
        return self._arrow.accesses()

    def whole(self, most_events: int) -> WholeFile | None:
        """All of a file that :func:`write_parquet` wrote, without processes, read at once."""
        return open_whole(self.name, "parquet", most_events)


def write_parquet(trace: Trace, file: IO[bytes], progress: Progress | None = None) -> int:
    """Writes `trace` in the native form; how many events it has. The columns are those of its first chunk."""
    from zswapsim.traces.arrowform import write_parquet as write

    return write(trace, file, progress)
