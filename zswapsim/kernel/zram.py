"""Use zram devices through sysfs, as Documentation/admin-guide/blockdev/zram.rst describes.

Standard library only: the guard is a process of its own and starts quickly.
"""

import gzip
import os
import platform
import re
import stat
import time
from pathlib import Path

from zswapsim.files.found import exists, state_of
from zswapsim.files.opening import read_bytes
from zswapsim.files.system import make_device_node, may_write, names_in, read_text, write_text
from zswapsim.hostpage import other_page_size
from zswapsim.kernel.removal import until_gone

CONTROL = Path("/sys/class/zram-control")
BLOCK = Path("/sys/block")
DEV = Path("/dev")
NODE_TRIES, NODE_PAUSE_S = 10, 0.01
DEFAULT_CHAIN = 8  # mm/Kconfig, ZSMALLOC_CHAIN_SIZE
MM_STAT = (
    "orig_data_size",
    "compr_data_size",
    "mem_used_total",
    "mem_limit",
    "mem_used_max",
    "same_pages",
    "pages_compacted",
    "huge_pages",
    "huge_pages_since",
)
"""The fields of mm_stat in their order; sizes are bytes, the rest are pages."""


def missing() -> str | None:
    """Return why a device can't be made, or None if it can."""
    if not exists(CONTROL / "hot_add"):
        return "this kernel has no zram (no /sys/class/zram-control: modprobe zram may bring it)"
    if os.geteuid() != 0:
        return "not root: only root may add a zram device"
    if not may_write(CONTROL / "hot_remove"):
        return f"{CONTROL} cannot be written to (a container without privileges?)"
    return other_page_size()


def hot_add() -> int:
    """Add a device and return its number: a read of the file adds it. Raises OSError."""
    return int(read_text(CONTROL / "hot_add"))


def hot_remove(number: int) -> None:
    """Reset and remove a device, as soon as no process has it open. Raises OSError if one keeps it open."""

    def step() -> None:
        reset(number)
        write_text(CONTROL / "hot_remove", str(number))

    until_gone(step, folder(number))


def folder(number: int) -> Path:
    """Return a device's folder in sysfs."""
    return BLOCK / f"zram{number}"


def numbers() -> list[int]:
    """Return the numbers of all devices that exist."""
    found = (re.fullmatch(r"zram(\d+)", name) for name in names_in(BLOCK))
    return sorted(int(match[1]) for match in found if match)


def diskseq(number: int) -> str | None:
    """Return the number that the kernel gives a disk once and for all; None if there is no such device.

    It tells a device from a later one of the same number. Before Linux 5.15 there is none.
    """
    try:
        return read_text(folder(number) / "diskseq").strip()
    except OSError:
        return None


def disksize(number: int) -> int:
    """Return the size of a device in bytes; 0 if it is not set up."""
    return int(read_text(folder(number) / "disksize"))


def algorithms(number: int) -> list[str]:
    """Return the kernel's codecs, by its names."""
    return parse_algorithms(read_text(folder(number) / "comp_algorithm"))


def parse_algorithms(text: str) -> list[str]:
    """Return the names in ``[lzo-rle] lzo lz4``, where brackets mark the chosen one."""
    return text.replace("[", " ").replace("]", " ").split()


def set_up(number: int, algorithm: str, size: int) -> None:
    """Give an unused device a codec and `size` bytes. Raises OSError."""
    write_text(folder(number) / "comp_algorithm", algorithm)
    write_text(folder(number) / "disksize", str(size))


def reset(number: int) -> None:
    """Drop all pages of a device that no process has open; it can be set up again then. Raises OSError."""
    write_text(folder(number) / "reset", "1")


def mm_stat(number: int) -> dict[str, int]:
    """Return the device's mm_stat by name."""
    return parse_mm_stat(read_text(folder(number) / "mm_stat"))


def parse_mm_stat(text: str) -> dict[str, int]:
    """Parse one line of mm_stat; older kernels have fewer fields, and newer ones may have more. Raises ValueError."""
    values = [int(value) for value in text.split()]
    if len(values) < len(MM_STAT) - 2:  # huge_pages since Linux 5.1, huge_pages_since since 5.8
        raise ValueError(f"mm_stat {text!r}: expected {len(MM_STAT)} numbers")
    return dict(zip(MM_STAT, values, strict=False))


def find_node(number: int) -> Path | None:
    """Return the device's file in /dev, or None if it is not there. Raises OSError."""
    usual = DEV / f"zram{number}"
    for left in reversed(range(NODE_TRIES)):
        if exists(usual) or not left:
            break
        time.sleep(NODE_PAUSE_S)  # the kernel or udev makes it a moment after the device
    found = state_of(usual) if exists(usual) else None
    return usual if found is not None and stat.S_ISBLK(found.st_mode) and found.st_rdev == _device(number) else None


def make_node(number: int, into: Path) -> Path:
    """Make a file of the device in the folder `into`. Raises OSError."""
    made = into / f"zram{number}"
    make_device_node(made, stat.S_IFBLK | 0o600, _device(number))
    return made


def _device(number: int) -> int:
    major, minor = map(int, read_text(folder(number) / "dev").split(":"))
    return os.makedev(major, minor)


def chain_size() -> int:
    """Return the running kernel's ZSMALLOC_CHAIN_SIZE, from its configuration if that can be read, else the default."""
    for path in (Path("/proc/config.gz"), Path(f"/boot/config-{platform.release()}")):
        try:
            data = read_bytes(path)
            found = parse_chain_size((gzip.decompress(data) if path.suffix == ".gz" else data).decode())
        except (OSError, ValueError):
            continue
        if found is not None:
            return found
    return DEFAULT_CHAIN


def parse_chain_size(config: str) -> int | None:
    """Return ZSMALLOC_CHAIN_SIZE of a kernel's configuration, or None if it has none."""
    match = re.search(r"^CONFIG_ZSMALLOC_CHAIN_SIZE=(\d+)$", config, re.MULTILINE)
    return int(match[1]) if match else None
