"""Find what dead runs left, by their records, and remove it, or say how to; nothing else is ever touched.

An object may be another's by now: its number or name was given again. So a device and the swap on it count as ours
only if the kernel's sequence number of the disk is the recorded one, swap also by the UUID in its header; after
another boot no object is ours. The name of a group contains a random number. A folder of device files is held as every
temporary folder (:mod:`zswapsim.files.leftovers`).
"""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from zswapsim.files.found import exists
from zswapsim.files.leftovers import remove_dead_folders
from zswapsim.files.operation import reason
from zswapsim.files.temporary import temporary_root
from zswapsim.kernel import groups, swap, zram
from zswapsim.kernel.record import Facts, Record, abandoned, all_entries, boot_id


class Unsure(Exception):
    """The kernel cannot tell if an object is ours. It is left, and said once."""


class Cleared(NamedTuple):
    """List what was removed, and a line for each object that is left, with what removes it by hand."""

    removed: list[str]
    left: list[str]


def clear_leftovers() -> Cleared:
    """Remove what dead runs left. Raises OSError if the run folder cannot be used."""
    remove_dead_folders(temporary_root())
    cleared = Cleared([], [])
    for record in abandoned():
        with record.file:
            clear_record(record, cleared)
            record.close()
    return cleared


def clear_record(record: Record, cleared: Cleared, *, sure: bool = False) -> None:
    """Remove the objects of one record, the last one first; those that cannot be removed stay in it.

    Be `sure` that they are ours if their program is alive, even if the kernel cannot tell.
    """
    if not (entries := record.entries()):
        return
    same_boot = record.boot() == boot_id()
    for name, recorded in reversed(entries.items()):
        kind, facts = str(recorded.get("kind")), recorded | {"sure": sure}
        try:
            if same_boot and REMOVERS[kind](name, facts):
                cleared.removed.append(name)
            record.gone(name)
        except Unsure as unsure:
            cleared.left.append(str(unsure))
            record.gone(name)
        except OSError as error:
            cleared.left.append(f"{name}: {reason(error)}; by hand: {BY_HAND[kind].format(name=name, **facts)}")
        except (KeyError, TypeError, ValueError):
            cleared.left.append(f"{name}: its record was made by another version; {record.name} in the run folder")


def _remove_device(name: str, facts: Facts) -> bool:
    """Remove a device. Return False if it is gone."""
    number: int = facts["number"]
    if not exists(zram.folder(number)) or not _is_ours(name, facts, zram.diskseq(number)):
        return False
    zram.hot_remove(number)
    return True


def _is_ours(name: str, facts: Facts, now: str | None) -> bool:
    """Return True if the disk `now` is the one that was recorded. Raises Unsure if this kernel cannot tell."""
    if now is None and facts["diskseq"] is None and not facts["sure"]:
        how = BY_HAND[facts["kind"]].format(name=name, **facts)
        raise Unsure(f"{name} may be left by a killed run; if it is: {how}")
    return bool(now == facts["diskseq"])


def _remove_swap(name: str, facts: Facts) -> bool:
    """Stop using a device as swap. Return False if it is not swap, or no longer ours."""
    path = Path(facts["file"])
    if not exists(path) or not _is_ours(name, facts, swap.diskseq(path)):
        return False
    if swap.read_uuid(path) != facts["uuid"]:
        return False
    try:
        swap.switch_off(path)
    except OSError as error:
        if error.errno != errno.EINVAL:  # EINVAL: it was never switched on, or is off already
            raise
        return False
    return True


def _remove_group(name: str, _facts: Facts) -> bool:
    """Remove a group without killing anybody: the processes of the run die with it."""
    if not exists(name):
        return False
    groups.remove_empty(Path(name))
    return True


def _find_added(_name: str, facts: Facts) -> bool:
    """Look for the device of a run that was killed while it added one: before it could tell the number.

    Raises Unsure with the devices that may be it; anybody may have made them.
    """
    known = {entry["number"] for entry in all_entries() if entry.get("kind") == "device"}
    unused = [
        number for number in zram.numbers() if number not in {*facts["before"], *known} and not zram.disksize(number)
    ]
    if unused:
        names = ", ".join(f"zram{number}" for number in unused)
        how = BY_HAND["device"].format(number="N")
        raise Unsure(f"{names}: unused, may be left by a run that was killed as it added a device; if it is: {how}")
    return False


REMOVERS: dict[str, Callable[[str, Facts], bool]] = {
    "device": _remove_device,
    "swap": _remove_swap,
    "group": _remove_group,
    "adding": _find_added,
}
"""This removes an object of each kind; it returns False if there is nothing of ours to remove."""
BY_HAND = {
    "device": "echo 1 > /sys/block/zram{number}/reset; echo {number} > /sys/class/zram-control/hot_remove",
    "swap": "swapoff {file}",
    "group": "rmdir {name}",
    "adding": "",
}
"""This removes an object of each kind by hand."""
