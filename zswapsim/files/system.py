"""Read and write the files of the kernel: procfs, sysfs, cgroups. An OSError names the file."""

from __future__ import annotations

import os

from zswapsim.files.opening import adopt, open_descriptor, read_bytes
from zswapsim.files.operation import StrPath, operation


def read_text(path: StrPath) -> str:
    """Return the whole text; bytes that are no UTF-8 are replaced."""
    return read_bytes(path).decode(errors="replace")


def write_text(path: StrPath, text: str) -> None:
    """Write `text` by one call into a file, which must exist."""
    with adopt(open_descriptor(path, os.O_WRONLY), "wb", path) as file:
        file.write(text.encode())


def names_in(path: StrPath) -> list[str]:
    """Return the names in a folder."""
    with operation("list", path):
        return os.listdir(path)


def make_folder(path: StrPath) -> None:
    """Make a folder, which in a hierarchy of cgroups is a group."""
    with operation("mkdir", path):
        os.mkdir(path)


def remove_folder(path: StrPath) -> None:
    """Remove an empty folder, or a group."""
    with operation("rmdir", path):
        os.rmdir(path)


def make_device_node(path: StrPath, mode: int, device: int) -> None:
    """Make a file through which a device is used."""
    with operation("mknod", path):
        os.mknod(path, mode, device)


def may_write(path: StrPath) -> bool:
    """Return True if this user may write to a file or folder."""
    return os.access(path, os.W_OK)


def memory_file(name: str) -> int:
    """Make a file in memory without a name, and return its descriptor."""
    with operation("create", name):
        return os.memfd_create(name)
