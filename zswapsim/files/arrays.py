"""Write arrays into files, and read or map them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from zswapsim.files.opening import File, open_file
from zswapsim.files.operation import StrPath, operation
from zswapsim.files.temporary import create_file


def save_array(path: StrPath, array: NDArray[Any]) -> None:
    """Write an array as a new .npy file that only this user may read."""
    kept = np.ascontiguousarray(array)
    with create_file(path) as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(kept))
        file.write(kept.data if kept.size else b"")


def load_mapped(path: StrPath) -> NDArray[Any]:
    """Map a .npy file that :func:`save_array` wrote, for reading."""
    with open_file(path) as file:
        np.lib.format.read_magic(file)
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        return map_array(file, dtype, offset=file.tell(), shape=shape)


def map_file(path: StrPath, dtype: DTypeLike, *, writable: bool = False) -> NDArray[Any]:
    """Map all of a file as an array; changes, if they are allowed, are in the file at once."""
    with open_file(path, "r+b" if writable else "rb") as file:
        return map_array(file, dtype, writable=writable)


def map_array(
    file: File, dtype: DTypeLike, *, writable: bool = False, offset: int = 0, shape: tuple[int, ...] | None = None
) -> NDArray[Any]:
    """Map an open file, from `offset` to its end or as far as `shape` asks; it may be closed then."""
    with operation("map", file.name):
        return np.memmap(file, dtype, "r+" if writable else "r", offset, shape)


def map_new(path: StrPath, dtype: DTypeLike, elements: int) -> NDArray[Any]:
    """Map a new file of zeros, which only this user may read."""
    with create_file(path) as file:
        file.truncate(elements * np.dtype(dtype).itemsize)
        return map_array(file, dtype, writable=True)


def read_array(path: StrPath, dtype: DTypeLike, size: int | None = None) -> NDArray[Any]:
    """Read all of a file as an array, or its first `size` bytes."""
    with open_file(path) as file:
        room = file.state().st_size if size is None else size
        buffer = np.empty(room, np.uint8)
        filled = 0
        while filled < room and (count := file.readinto(buffer[filled:].data)):
            filled += count
        whole = filled - filled % np.dtype(dtype).itemsize
        return buffer[:whole].view(dtype)
