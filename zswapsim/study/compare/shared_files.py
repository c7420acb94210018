"""Write a trace, its contents and their profile as raw files into a folder, and map them in every process."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from zswapsim._core.base.errors import OutputError
from zswapsim.compressors.measure import Columns
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
        for name, value in msgspec.json.decode(Path(folder, "trace.json").read_bytes()).items():
            setattr(self, name, value)
        self._page = np.memmap(Path(folder, "page"), np.uint32, "r") if self.events else np.empty(0, np.uint32)
        self._op = np.memmap(Path(folder, "op"), np.uint8, "r") if self.events else np.empty(0, np.uint8)
        owners = Path(folder, "process.npy")
        self._process = np.load(owners, mmap_mode="r") if owners.exists() else None
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
        self.name = msgspec.json.decode(Path(folder, "contents.json").read_bytes())
        self.holds_bytes = Path(folder, "images.npy").exists()
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
            np.save(Path(folder, "address.npy"), trace.addresses())
        if contents is not None:
            Path(folder, "contents.json").write_bytes(msgspec.json.encode(contents.name))
            for name in ("images", *ARRAYS) if images else ARRAYS:
                np.save(Path(folder, f"{name}.npy"), getattr(contents, name))
        if profile is not None:
            _write_profile(Path(folder), profile)
    except OSError as error:
        raise OutputError(f"{folder}: cannot write the shared trace: {error.strerror} (TMPDIR moves it)") from error


def open_shared(folder: str | Path) -> SharedInputs:
    """Map the files that :func:`write_shared` wrote."""
    held = MappedContents(folder) if Path(folder, "contents.json").exists() else None
    return SharedInputs(
        MappedTrace(folder), held, _map_profile(folder) if Path(folder, "profile.json").exists() else None
    )


def _mapped(folder: str | Path, name: str) -> np.ndarray:
    array: np.ndarray = np.load(Path(folder, f"{name}.npy"), mmap_mode="r")
    return array


def _write_profile(folder: Path, profile: Profile) -> None:
    about = _About(profile.name, profile.contents_name, profile.contents_hash, profile.origins)
    (folder / "profile.json").write_bytes(msgspec.json.encode(about))
    for name in ROWS:
        np.save(folder / f"row_{name}.npy", getattr(profile, name))
    for number, key in enumerate(profile.origins):
        for name, column in profile.columns[key]._asdict().items():
            np.save(folder / f"{name}_{number}.npy", column)


def _map_profile(folder: str | Path) -> Profile:
    about = msgspec.json.decode(Path(folder, "profile.json").read_bytes(), type=_About)
    content, kind, digest = (_mapped(folder, f"row_{name}") for name in ROWS)
    columns = {
        key: Columns(*(_mapped(folder, f"{name}_{number}") for name in Columns._fields))
        for number, key in enumerate(about.origins)
    }
    name, named, hashed = about.name, about.contents_name, about.contents_hash
    return Profile(name, named, hashed, content, kind, digest, columns, about.origins)


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
