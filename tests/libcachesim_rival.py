"""Replay a trace with libcachesim, to compare its misses with faults."""

from pathlib import Path

import pytest

from zswapsim.traces import DenseTrace, read_trace, write_trace


class Rival:
    """Hold a trace, dense and as a file that libcachesim reads. Skips the test if libcachesim is not installed."""

    def __init__(self, source: str, folder: Path) -> None:
        self.library = pytest.importorskip("libcachesim", reason="libcachesim is not published for this machine")
        self.trace = DenseTrace(read_trace(source))
        self.trace.scan()
        self.path = folder / "trace.oracleGeneral.bin"
        write_trace(self.trace.trace, self.path)

    def misses(self, algorithm: str, frames: int) -> int:
        """Return the misses of a cache of `frames` objects of one unit each."""
        reader = self.library.TraceReader(
            str(self.path),
            self.library.TraceType.ORACLE_GENERAL_TRACE,
            self.library.ReaderInitParam(ignore_obj_size=True),
        )
        missed, _ = getattr(self.library, algorithm)(frames).process_trace(reader)
        return round(missed * self.trace.events)
