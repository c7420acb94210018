"""A trace and its contents as raw files in a folder, mapped by every process that runs over them."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from zswapsim._core.errors import OutputError
from zswapsim.traces import Contents, DenseTrace

ARRAYS = ("images", "next_image", "kind")
ABOUT = ("name", "pages", "events", "writes", "read_ns")
CHUNK = 1 << 20


class Shared(NamedTuple):
    """What :func:`open_shared` gives: both read-only views of the files."""

    trace: "MappedTrace"
    contents: Contents | None


class MappedTrace(DenseTrace):
    """A DenseTrace that has been scanned, from the files of :func:`write_shared`: 5 bytes an event."""

    def __init__(self, folder: str | Path) -> None:
        for name, value in msgspec.json.decode(Path(folder, "trace.json").read_bytes()).items():
            setattr(self, name, value)
        self._page = np.memmap(Path(folder, "page"), np.uint32, "r") if self.events else np.empty(0, np.uint32)
        self._op = np.memmap(Path(folder, "op"), np.uint8, "r") if self.events else np.empty(0, np.uint8)
        owners = Path(folder, "process.npy")
        self._process = np.load(owners, mmap_mode="r") if owners.exists() else None

    def processes(self) -> np.ndarray | None:
        """uint32[pages]: whose page each is; None where the trace named no processes."""
        return self._process

    def scan(self, progress: object = None) -> None:
        """Nothing is left to scan."""

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Pages uint32[n] and ops uint8[n], up to 1 Mi events a chunk."""
        for start in range(0, self.events, CHUNK):
            yield self._page[start : start + CHUNK], self._op[start : start + CHUNK]


class MappedContents(Contents):
    """Contents whose kinds and cycles were found before, from the files of :func:`write_shared`."""

    def __init__(self, folder: str | Path) -> None:
        self.name = msgspec.json.decode(Path(folder, "contents.json").read_bytes())
        for name in ARRAYS:
            setattr(self, name, np.load(Path(folder, f"{name}.npy"), mmap_mode="r"))


def write_shared(folder: str | Path, trace: DenseTrace, contents: Contents | None) -> None:
    """Write both into `folder`. Raises OutputError where there is no room for them."""
    try:
        _write_trace(Path(folder), trace)
        if contents is not None:
            Path(folder, "contents.json").write_bytes(msgspec.json.encode(contents.name))
            for name in ARRAYS:
                np.save(Path(folder, f"{name}.npy"), getattr(contents, name))
    except OSError as error:
        raise OutputError(f"{folder}: cannot write the shared trace: {error.strerror} (TMPDIR moves it)") from error


def open_shared(folder: str | Path) -> Shared:
    """Map what :func:`write_shared` wrote."""
    if not Path(folder, "contents.json").exists():
        return Shared(MappedTrace(folder), None)
    return Shared(MappedTrace(folder), MappedContents(folder))


def _write_trace(folder: Path, trace: DenseTrace) -> None:
    with (folder / "page").open("wb") as page_file, (folder / "op").open("wb") as op_file:
        for page, op in trace.chunks():
            page_file.write(np.ascontiguousarray(page).data)
            op_file.write(np.ascontiguousarray(op).data)
    processes = trace.processes()
    if processes is not None:
        np.save(folder / "process.npy", processes)
    about = {name: getattr(trace, name) for name in ABOUT}
    (folder / "trace.json").write_bytes(msgspec.json.encode(about))
