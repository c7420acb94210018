"""A record names the kernel objects of a run, so that the next run finds what this one leaves if it is killed.

A line is appended before an object is made, and when it is gone. The program and its guard hold one lock on the file,
which is free as soon as both are gone.

==============================  ==================================================================
line                            meaning
==============================  ==================================================================
``{"boot": ID, "pid": PID}``    the first line: the boot that the objects belong to
``{"made": NAME, "kind": …}``   the object is about to be made, or more is known about it
``{"gone": NAME}``              the object is no more
==============================  ==================================================================
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zswapsim.files.locks import try_lock
from zswapsim.files.opening import File, adopt
from zswapsim.files.shared import NEW, RUN, open_shared, remove_shared, shared_names
from zswapsim.files.system import read_text

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SUFFIX = ".record"
MOST_BYTES = 1 << 20
"""A record is far shorter; of a longer file no more than this is read."""

Facts = dict[str, Any]


def boot_id() -> str:
    """Return the identity of this boot of the kernel."""
    return read_text(BOOT_ID).strip()


class Record:
    """Hold a file of the shared folder, open and locked."""

    def __init__(self, name: str, file: File) -> None:
        self.name = name
        self.file = file

    @classmethod
    def new(cls) -> "Record":
        """Make a record of this process. Raises OSError."""
        while True:
            name = f"{os.getpid()}-{os.urandom(8).hex()}{SUFFIX}"
            record = cls(name, open_shared(name, NEW | os.O_APPEND))
            try:
                if try_lock(record.file.fileno()):  # else another run took the empty file for a dead one's
                    record._append({"boot": boot_id(), "pid": os.getpid()})
                    return record
            except BaseException:
                record.close()
                raise
            record.file.close()

    @classmethod
    def inherited(cls, name: str, descriptor: int) -> "Record":
        """Return the record that the program which started this one has open."""
        return cls(name, adopt(descriptor, "r+b", RUN / name))

    @property
    def token(self) -> str:
        """Return a part of names that no other run has."""
        return self.name.removesuffix(SUFFIX)

    def make(self, name: str, **facts: Any) -> None:
        """Say that an object is about to be made, or what is known about it now."""
        self._append({"made": name, **facts})

    def replace(self, old: str, name: str, **facts: Any) -> None:
        """Give an object another name, with what is known about it now."""
        self._append({"made": name, **facts}, {"gone": old})

    def gone(self, name: str) -> None:
        """Say that an object is no more, or was never made."""
        with contextlib.suppress(OSError):  # may fail without effect: the next run finds nothing there
            self._append({"gone": name})

    def _append(self, *lines: Facts) -> None:
        text = "".join(json.dumps(line) + "\n" for line in lines)
        self.file.write(text.encode())  # one write: either all of the lines are there or none

    def boot(self) -> str | None:
        """Return the boot that the objects belong to; None if the record ends before it."""
        return next((line["boot"] for line in self._lines() if "boot" in line), None)

    def entries(self) -> dict[str, Facts]:
        """Return what is known about each object that may exist, in the order in which they were made."""
        found: dict[str, Facts] = {}
        for line in self._lines():
            if "made" in line:
                found[line["made"]] = {**found.get(line["made"], {}), **line}
            elif "gone" in line:
                found.pop(line["gone"], None)
        return found

    def _lines(self) -> Iterator[Facts]:
        """Iterate over the lines; one that was cut off is left out: its object was not made."""
        for line in self.file.read_at(MOST_BYTES, 0).split(b"\n"):
            with contextlib.suppress(ValueError):
                found = json.loads(line)
                if isinstance(found, dict):
                    yield found

    def close(self) -> None:
        """Remove the record if all its objects are gone, and give back the lock."""
        with self.file:
            if not self.entries():
                remove_shared(self.name)  # the program and its guard both try


def abandoned() -> Iterator[Record]:
    """Iterate over the records of runs that are dead, each locked until it is closed. Raises OSError."""
    for name in shared_names(SUFFIX):
        with contextlib.suppress(OSError):  # its run has just removed it, or it is no file
            record = Record(name, open_shared(name, os.O_APPEND))
            if try_lock(record.file.fileno()):
                yield record
            else:
                record.file.close()


def all_entries() -> Iterator[Facts]:
    """Iterate over what all records know, of live runs too. Raises OSError."""
    for name in shared_names(SUFFIX):
        with contextlib.suppress(OSError):  # as above
            record = Record(name, open_shared(name))
            with record.file:
                yield from record.entries().values()
