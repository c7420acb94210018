"""Write a trace, its contents and their profile as raw files into a folder, and map them in every process."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from zswapsim._core.base.errors import OutputError, ZswapsimError
from zswapsim.compressors.measure import Columns
from zswapsim.files.arrays import load_mapped, map_file, save_array
from zswapsim.files.found import exists
from zswapsim.files.opening import read_bytes
from zswapsim.files.operation import reason
from zswapsim.files.temporary import create_file, write_new
from zswapsim.json_text import json_line
from zswapsim.study.profile import Origin, Profile
from zswapsim.traces import Contents, DenseTrace

ARRAYS = ("next_image", "kind", "content", "digest")
ROWS = ("content", "kind", "digest")
ABOUT = ("name", "pages", "events", "writes", "read_ns")
CHUNK = 1 << 20


class SharedInputs(NamedTuple):
    """Hold read-only views of the files: see :func:`open_shared`."""

    trace: "MappedTrace"
    contents: Contents | None
    profile: Profile | None


class _About(msgspec.Struct):
    """Hold the fields of a profile that are not arrays."""

    name: str
    contents_name: str
    contents_hash: str
    origins: dict[str, Origin]


class MappedTrace(DenseTrace):
    """Read a scanned DenseTrace from the files of :func:`write_shared`, 5 bytes an event."""

    def __init__(self, folder: str | Path) -> None:
        for name, value in msgspec.json.decode(read_bytes(Path(folder, "trace.json"))).items():
            setattr(self, name, value)
        self._page = map_file(Path(folder, "page"), np.uint32) if self.events else np.empty(0, np.uint32)
        self._op = map_file(Path(folder, "op"), np.uint8) if self.events else np.empty(0, np.uint8)
        owners = Path(folder, "process.npy")
        self._process = load_mapped(owners) if exists(owners) else None
        self._folder = folder

    def addresses(self) -> np.ndarray:
        """Return the trace's own number of each page, uint64[pages]; only if they were written too."""
        return _mapped(self._folder, "address")

    def processes(self) -> np.ndarray | None:
        """Return the process of each page, uint32[pages]; None if the trace names no processes."""
        return self._process

    def scan(self, progress: object = None) -> None:
        """Do nothing: the trace has been scanned."""

    def chunks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield pages uint32[n] and ops uint8[n], up to 1 Mi events a chunk."""
        for start in range(0, self.events, CHUNK):
            yield self._page[start : start + CHUNK], self._op[start : start + CHUNK]


class MappedContents(Contents):
    """Read contents, with their kinds and cycles, from the files of :func:`write_shared`."""

    def __init__(self, folder: str | Path) -> None:
        self.name = msgspec.json.decode(read_bytes(Path(folder, "contents.json")))
        self.holds_bytes = exists(Path(folder, "images.npy"))
        for name in ("images", *ARRAYS) if self.holds_bytes else ARRAYS:
            setattr(self, name, _mapped(folder, name))


def write_shared(
    folder: str | Path,
    trace: DenseTrace,
    contents: Contents | None,
    profile: Profile | None = None,
    *,
    images: bool = True,
    addresses: bool = False,
) -> None:
    """Write all into `folder`, the contents' pages only with `images`, the trace's page numbers only with `addresses`.

    Raises OutputError if the files cannot be written.
    """
    try:
        _write_trace(Path(folder), trace)
        if addresses:
            save_array(Path(folder, "address.npy"), trace.addresses())
        if contents is not None:
            write_new(Path(folder, "contents.json"), json_line(contents.name))
            for name in ("images", *ARRAYS) if images else ARRAYS:
                save_array(Path(folder, f"{name}.npy"), getattr(contents, name))
        if profile is not None:
            _write_profile(Path(folder), profile)
    except OSError as error:
        if error.filename is not None and Path(error.filename).parent != Path(folder):
            raise  # it is about another file, which is read meanwhile
        file = error.filename or folder
        raise OutputError(f"{file}: cannot write the shared trace: {reason(error)} (TMPDIR moves it)") from error


def open_shared(folder: str | Path) -> SharedInputs:
    """Map the files that :func:`write_shared` wrote. Raises ZswapsimError if they cannot be read."""
    try:
        held = MappedContents(folder) if exists(Path(folder, "contents.json")) else None
        profile = _map_profile(folder) if exists(Path(folder, "profile.json")) else None
        return SharedInputs(MappedTrace(folder), held, profile)
    except OSError as error:
        raise ZswapsimError(f"{error.filename}: cannot read the shared trace: {reason(error)}") from error


def _mapped(folder: str | Path, name: str) -> np.ndarray:
    return load_mapped(Path(folder, f"{name}.npy"))


def _write_profile(folder: Path, profile: Profile) -> None:
    about = _About(profile.name, profile.contents_name, profile.contents_hash, profile.origins)
    write_new(folder / "profile.json", json_line(about))
    for name in ROWS:
        save_array(folder / f"row_{name}.npy", getattr(profile, name))
    for number, key in enumerate(profile.origins):
        for name, column in profile.columns[key]._asdict().items():
            save_array(folder / f"{name}_{number}.npy", column)


def _map_profile(folder: str | Path) -> Profile:
    about = msgspec.json.decode(read_bytes(Path(folder, "profile.json")), type=_About)
    content, kind, digest = (_mapped(folder, f"row_{name}") for name in ROWS)
    columns = {
        key: Columns(*(_mapped(folder, f"{name}_{number}") for name in Columns._fields))
        for number, key in enumerate(about.origins)
    }
    name, named, hashed = about.name, about.contents_name, about.contents_hash
    return Profile(name, named, hashed, content, kind, digest, columns, about.origins)


def _write_trace(folder: Path, trace: DenseTrace) -> None:
    with create_file(folder / "page") as page_file, create_file(folder / "op") as op_file:
        for page, op in trace.chunks():
            page_file.write(np.ascontiguousarray(page).data)
            op_file.write(np.ascontiguousarray(op).data)
    processes = trace.processes()
    if processes is not None:
        save_array(folder / "process.npy", processes)
    about = {name: getattr(trace, name) for name in ABOUT}
    write_new(folder / "trace.json", json_line(about))
