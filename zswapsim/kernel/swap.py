"""Use a block device as swap: its header, and the two system calls. Standard library only."""

import ctypes
import os
import stat
import struct
from pathlib import Path

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.files.found import state_of
from zswapsim.files.opening import open_file, read_bytes
from zswapsim.files.system import read_text

SIGNATURE = b"SWAPSPACE2"
SWAP_FLAG_PREFER = 0x8000  # include/linux/swap.h
HIGHEST_PRIORITY = 0x7FFF
NO_UUID = "0" * 32
LABEL = b"zswapsim"
DISKS = Path("/sys/dev/block")
UUID_AT = 1024 + 12  # after bootbits, version, last_page and nr_badpages


def header(pages: int, uuid: str = NO_UUID) -> bytes:
    """Return the first page of a swap space of `pages` pages: union swap_header, version 1, no bad pages."""
    info = struct.pack("<III16s16s", 1, pages - 1, 0, bytes.fromhex(uuid), LABEL)
    return (bytes(1024) + info).ljust(PAGE_SIZE - len(SIGNATURE), b"\0") + SIGNATURE


def read_uuid(path: Path) -> str | None:
    """Return the UUID of a swap space that has our label; None if another made it, or nobody. Raises OSError."""
    page = read_bytes(path, PAGE_SIZE)
    uuid, label = page[UUID_AT : UUID_AT + 16], page[UUID_AT + 16 : UUID_AT + 32]
    return uuid.hex() if page.endswith(SIGNATURE) and label.rstrip(b"\0") == LABEL else None


def diskseq(path: Path) -> str | None:
    """Return the sequence number of the disk that a device file is of (:func:`zram.diskseq`), or None."""
    try:
        found = state_of(path)
        disk = DISKS / f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
        return read_text(disk / "diskseq").strip() if stat.S_ISBLK(found.st_mode) else None
    except OSError:
        return None


def switch_on(path: Path, size: int, uuid: str) -> None:
    """Write the header and use the device as swap before all others. Raises OSError."""
    with open_file(path, "r+b") as device:
        device.write(header(size // PAGE_SIZE, uuid))
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
