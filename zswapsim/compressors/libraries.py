"""Find the shared object behind a built-in codec.

The `lz4` and `zstandard` packages ship the libraries inside their extension modules, and these export the library's
functions; Python's own `zlib` is linked with libz. So the machine needs nothing more for them. The system may have the
other libraries. No package is imported for the search: files are opened and asked for symbols.
"""

import os
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from typing import NamedTuple

from zswapsim._core.base.errors import CodecError
from zswapsim._core.codec.library import Library
from zswapsim.files.found import files_below


class Source(NamedTuple):
    """The places where a codec's library is searched for, in this order: Python package, Python module, the system."""

    package: str  # a package with the library inside one of its shared objects, "" for none
    module: str  # an extension module that is linked with the library, "" for none
    soname: str  # the system's library, as the dynamic linker knows it
    version_symbol: str  # the function that returns its version
    debian: str  # the package that has it on Debian and Ubuntu


LZ4 = Source("lz4", "", "liblz4.so.1", "LZ4_versionString", "liblz4-1")
SOURCES = {
    "lz4": LZ4,
    "lz4hc": LZ4,
    "zstd": Source("zstandard", "", "libzstd.so.1", "ZSTD_versionString", "libzstd1"),
    "deflate": Source("", "zlib", "libz.so.1", "zlibVersion", "zlib1g"),
}


def override_variable(codec: str) -> str:
    """Return the environment variable that names the library of `codec` and replaces the search."""
    return f"ZSWAPSIM_LIBRARY_{codec.upper()}"


def find_library(codec: str, symbols: tuple[str, ...]) -> Library | None:
    """Return the first library that has all `symbols`, or None if the codec needs none.

    Raises CodecError if no library has them; the message says where it was searched for and how to get it.
    """
    if not symbols:
        return None
    return open_first(codec, symbols, os.environ.get(override_variable(codec), ""))


@cache
def open_first(codec: str, symbols: tuple[str, ...], override: str) -> Library:
    """Return the first candidate that opens and has every symbol.

    The search runs once for each codec and set of symbols.
    """
    source = SOURCES[codec]
    failures = []
    for path in [override] if override else candidates(source):
        try:
            return Library(path, symbols, source.version_symbol)
        except OSError as error:
            failures.append(str(error))
    if override:
        raise CodecError(f"codec {codec}: {override_variable(codec)}={override}: {failures[0]}")
    raise CodecError(f"codec {codec}: not on this machine ({failures[-1]}); {how_to_get(codec)}")


def how_to_get(codec: str) -> str:
    """Return advice for a missing library."""
    source = SOURCES[codec]
    package = f"pip install {source.package}, or " if source.package else ""
    return f"{package}apt-get install {source.debian}, or set {override_variable(codec)} to a file"


def candidates(source: Source) -> Iterator[str]:
    """Return the files and names to try, best first; they need not exist."""
    for folder in package_folders(source.package):
        # The largest first: if a package has several, the smaller ones have parts of the library.
        found = sorted(files_below(folder, ".so"), key=lambda each: (-each[1], each[0]))
        yield from (path for path, _ in found)
    module = find_spec(source.module) if source.module else None
    if module is not None and module.has_location and module.origin:
        yield module.origin
    yield source.soname


def package_folders(package: str) -> list[str]:
    """Return the folder of an installed package, without importing it."""
    spec = find_spec(package) if package else None
    return list(spec.submodule_search_locations or []) if spec is not None else []
