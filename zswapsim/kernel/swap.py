"""Use a block device as swap: its header, and the two system calls. Standard library only."""

import ctypes
import os
import struct
from pathlib import Path

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.opening import open_file

SIGNATURE = b"SWAPSPACE2"
SWAP_FLAG_PREFER = 0x8000  # include/linux/swap.h
HIGHEST_PRIORITY = 0x7FFF


def header(pages: int) -> bytes:
    """Return the first page of a swap space of `pages` pages: union swap_header, version 1, no bad pages."""
    info = struct.pack("<III", 1, pages - 1, 0)
    return (bytes(1024) + info).ljust(PAGE_SIZE - len(SIGNATURE), b"\0") + SIGNATURE


def switch_on(path: Path, size: int) -> None:
    """Write the header and use the device as swap before all others. Raises OSError."""
    with open_file(path, "r+b") as device:
        device.write(header(size // PAGE_SIZE))
        device.sync()
    _call("swapon", path, SWAP_FLAG_PREFER | HIGHEST_PRIORITY)


def switch_off(path: Path) -> None:
    """Swap every page in and stop using the device. Raises OSError."""
    _call("swapoff", path)


def _call(name: str, path: Path, *flags: int) -> None:
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(os.fsencode(path), *flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}", str(path))
