"""Find the form of a trace, read it, write it."""

from __future__ import annotations

import re
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

from zswapsim._core.base.arguments import callback, instance, path_text
from zswapsim._core.base.errors import InputError
from zswapsim.files.found import exists
from zswapsim.traces.streams import ZSTD_MAGIC, open_source, read_fully
from zswapsim.traces.trace import Progress, Trace
from zswapsim.traces.whole import SUFFIXES as ORACLE_SUFFIXES

ZSTD_LEVEL = 3  # a higher level takes longer than all the rest of writing


class Form(NamedTuple):
    """One form of a trace file.

    Its module is imported only when a file has that form, so that commands start quickly.
    """

    suffixes: tuple[str, ...]
    module: str
    reader: str
    """The name of the Trace class; it takes a path, and `compressed` if that is true."""
    writer: str | None
    """The name of the function that writes it; None if the form is only read."""
    compressed: bool = False

    def read(self, path: str | Path) -> Trace:
        """Return the trace in `path`. Raises InputError."""
        how = {"compressed": True} if self.compressed else {}
        return self._of_module(self.reader)(path, **how)  # type: ignore[no-any-return]

    def write(self, trace: Trace, file: IO[bytes], progress: Progress | None) -> int:
        """Write `trace` into `file` and return how many events it has. Raises InputError, as the trace does."""
        return self._of_module(self.writer or "")(trace, file, progress)  # type: ignore[no-any-return]

    def _of_module(self, name: str) -> Any:
        return getattr(import_module(f"zswapsim.traces.{self.module}"), name)


PERF = re.compile(rb"\d\.\d{6,9}: .{0,40}\b(?:faults|page_fault_user|page_fault_kernel)(?::\w+)?:|# captured on")
ORACLE_ZST_SUFFIXES = tuple(f"{suffix}.zst" for suffix in ORACLE_SUFFIXES)
FORMS = {
    "parquet": Form((".parquet",), "parquet", "ParquetTrace", "write_parquet"),
    "csv": Form((".csv",), "csvform", "CsvTrace", "write_csv"),
    "csv.zst": Form((".csv.zst",), "csvform", "CsvTrace", "write_csv", compressed=True),
    "oracleGeneral": Form(ORACLE_SUFFIXES, "oracle", "OracleTrace", "write_oracle"),
    "oracleGeneral.zst": Form(ORACLE_ZST_SUFFIXES, "oracle", "OracleTrace", "write_oracle", compressed=True),
    "npy": Form((".npy",), "npy", "NpyTrace", "write_npy"),
}
RECORDED = {
    "perf": Form((".perf",), "perf", "PerfTrace", None),
    "perf.zst": Form((".perf.zst",), "perf", "PerfTrace", None, compressed=True),
    "damo": Form((".damo", "damon.data"), "damo", "DamoTrace", None),
    "damo.zst": Form((".damo.zst",), "damo", "DamoTrace", None, compressed=True),
}
"""The forms that other programs record; they are only read."""
ALL = FORMS | RECORDED
SUFFIXES = ".parquet, .csv, .csv.zst, .bin, .oracleGeneral (also .zst of these) or .npy"
ONLY_READ = ".perf (perf script) or .damo (damo record)"


def read_trace(source: str | Path) -> Trace:
    """Return the trace that `source` names: a file, ``gen:NAME,key=value,…`` or ``bundled:NAME``.

    The suffix of a file decides its form, or else its first bytes do. Raises InputError on an unknown form, name, key
    or value, and if there is no such file; a malformed file may be found out only on reading.
    """
    text = path_text(source, "trace")
    if isinstance(source, str) and text.startswith("gen:"):
        from zswapsim.traces.generators import generate

        return generate(text.removeprefix("gen:"))
    if isinstance(source, str) and text.startswith("bundled:"):
        from zswapsim.traces.bundled import bundled_trace

        trace = FORMS["csv.zst"].read(bundled_trace(text.removeprefix("bundled:")))
        trace.name = text
        return trace
    if not text or not exists(text):
        raise InputError(f"{text}: no such trace: expected a file, gen:NAME,… or bundled:NAME")
    form = form_by_suffix(text) or _form_by_content(text)
    return ALL[form].read(source)


def write_trace(trace: Trace, path: str | Path, progress: Progress | None = None) -> int:
    """Write `trace` in the form that the suffix of `path` names, whole or not at all. Return how many events it has.

    If others may not read the trace's file, they may not read this one. Raises InputError on an unknown suffix, if it
    is the trace's own file, and what reading the trace raises, OutputError if the file can't be written.
    """
    from zswapsim.files.apart import Named, keep_apart
    from zswapsim.files.atomic import atomic_write
    from zswapsim.files.privacy import is_private, permissions_for

    instance(trace, Trace, "trace")
    callback(progress, "progress")
    source = _source_of(trace)
    form = form_by_suffix(path_text(path, "path"))
    if source is not None:
        keep_apart([Named("the trace to be read", source)], [Named("the trace to write", path)])
    if form is None:
        raise InputError(f"{path}: unknown form of a trace: expected {SUFFIXES}")
    if ALL[form].writer is None:
        raise InputError(f"{path}: a form that is only read: expected {SUFFIXES}")
    permissions = permissions_for(source is not None and is_private(source))
    with atomic_write(path, permissions=permissions) as file, _compressing(file, ALL[form].compressed) as out:
        return ALL[form].write(trace, out, progress)


def _source_of(trace: Trace) -> str | Path | None:
    """Return the file that a trace, or the one that it wraps, is read from; None if there is none."""
    while (inner := getattr(trace, "trace", None)) is not None:
        trace = inner
    path = getattr(trace, "path", None)
    return path if isinstance(path, str | Path) else None


def form_by_suffix(path: str) -> str | None:
    """Return the form's name, or None if the suffix is unknown."""
    for name, form in ALL.items():
        if path.lower().endswith(tuple(suffix.lower() for suffix in form.suffixes)):
            return name
    return None


def _form_by_content(path: str) -> str:
    """Return the form of a file with an unknown suffix. Raises InputError if its first bytes are unknown too."""
    head = _head(path, compressed=False)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    compressed = head.startswith(ZSTD_MAGIC)
    if compressed:
        head = _head(path, compressed=True)
    if b"page" in head.split(b"\n")[0].rstrip(b"\r").split(b","):
        return "csv.zst" if compressed else "csv"
    recorded = _recorded(head)
    if recorded is not None:
        return f"{recorded}.zst" if compressed else recorded
    raise InputError(
        f"{path}: unknown form of a trace: expected {SUFFIXES}, {ONLY_READ}, or a file that begins as one of them"
    )


def _recorded(head: bytes) -> str | None:
    """Return "perf" or "damo" if that program wrote a file that begins so."""
    from zswapsim.traces.damotext import BINARY
    from zswapsim.traces.inflate import HEADS as ZLIB_HEADS

    if head.startswith(ZLIB_HEADS) or b"base_time_absolute:" in head or b"damon_aggregated:" in head:
        return "damo"
    if head[:1] == b"[" and b'"target_id"' in head:
        return "damo"
    return "perf" if head.startswith(BINARY) or PERF.search(head) else None


def _head(path: str, compressed: bool) -> bytes:
    buffer = bytearray(4096)
    with open_source(path, compressed) as source:
        return bytes(buffer[: read_fully(source, memoryview(buffer))])


def _compressing(file: IO[bytes], compressed: bool) -> AbstractContextManager[IO[bytes]]:
    if not compressed:
        return nullcontext(file)
    import zstandard

    writer: Any = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True).stream_writer(file, closefd=False)
    return writer  # type: ignore[no-any-return]
