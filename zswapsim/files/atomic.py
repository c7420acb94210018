"""Write files that appear whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from zswapsim._core.base.errors import InputError, OutputError, ZswapsimError
from zswapsim.files.found import is_special
from zswapsim.files.leftovers import new_file_name, remove_dead_files
from zswapsim.files.locks import hold
from zswapsim.files.opening import File, adopt, open_descriptor, open_file
from zswapsim.files.operation import StrPath, operation, reason
from zswapsim.files.temporary import OWNER_ONLY
from zswapsim.signals import held, released

MODES = ("wb", "w")


@contextmanager
def atomic_write(path: StrPath, mode: str = "wb", permissions: int | None = None) -> Iterator[IO[Any]]:
    """Yield a new file for writing that takes the place of `path` when the block ends, and only then.

    `mode` is "wb", or "w" for UTF-8 text. `permissions` are those of the new file; by default it has those of the file
    that it replaces, or else what the umask leaves of 0666. The bytes lie in a temporary file beside `path` until they
    are on the disk; an exception in the block removes that file, and the next write into that folder does so if the
    process was killed. A path that is a device, pipe or socket is written directly.

    Raises OutputError on any OSError of the block that is not of another file ("FILE: cannot write: No space left on
    device"); other exceptions pass unchanged.
    """
    if mode not in MODES:
        raise InputError(f"atomic_write mode {mode!r}: expected 'wb' or 'w'")
    written = _Written(path, mode, permissions)
    try:
        yield from written.write()
    except ZswapsimError:
        raise
    except OSError as error:
        of_other = error.filename is not None and str(error.filename) not in written.names
        if of_other and error.errno != errno.EFBIG:  # that is a limit of this process, whichever file meets it first
            raise
        raise OutputError(f"{path}: cannot write: {reason(error)}") from error


class _Written:
    """A file that is being written, under each of its names."""

    def __init__(self, path: StrPath, mode: str, permissions: int | None) -> None:
        self.path, self.mode, self.permissions = path, mode, permissions
        self.names = {str(path)}

    def write(self) -> Iterator[IO[Any]]:
        """Yield the file to write into; afterwards all of it is in its place."""
        if is_special(self.path):
            with open_file(self.path, "wb") as file:
                out = self._buffered(file)
                yield out
                out.flush()
            return
        target = self._resolved()
        self.names |= {str(target), str(target.parent)}
        if target.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        remove_dead_files(target.parent)
        yield from self._replace(target, self._wanted(target))

    def _resolved(self) -> Path:
        """Return the file itself if the path is a link to it."""
        try:
            return Path(self.path).resolve()
        except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null byte
            raise OutputError(f"{self.path!s}: cannot write: {error}") from error

    def _wanted(self, target: Path) -> int | None:
        """Return the permissions of the new file; None if the umask decides."""
        if self.permissions is None and target.exists():
            return stat.S_IMODE(target.stat().st_mode)
        return self.permissions

    def _beside(self, target: Path, permissions: int | None) -> tuple[Path, File]:
        """Return a new temporary file beside `target`, which this process holds."""
        first = 0o666 if permissions is None else permissions & OWNER_ONLY
        while True:
            temporary = target.with_name(new_file_name())
            self.names.add(str(temporary))
            descriptor = open_descriptor(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, first)
            if hold(descriptor):
                return temporary, _adopted(descriptor, temporary, self.path)
            os.close(descriptor)

    def _replace(self, target: Path, permissions: int | None) -> Iterator[IO[Any]]:
        with held():
            temporary, file = self._beside(target, permissions)
            try:
                with file:  # not its buffer: after an error nothing more is written
                    if permissions is not None:
                        file.set_permissions(permissions)
                    out = self._buffered(file)
                    with released():
                        yield out
                        out.flush()
                        file.sync()
                    with operation("replace", self.path):
                        temporary.replace(target)
            except BaseException:
                _unlink(temporary)
                raise

    def _buffered(self, file: File) -> IO[Any]:
        out = io.BufferedWriter(file)
        return out if self.mode == "wb" else io.TextIOWrapper(out, encoding="utf-8")


def _adopted(descriptor: int, temporary: Path, path: StrPath) -> File:
    try:
        return adopt(descriptor, "wb", path)
    except BaseException:
        _unlink(temporary)
        raise


def _unlink(temporary: Path) -> None:
    with suppress(OSError), operation("unlink", temporary):  # may fail without effect: a later start removes it
        temporary.unlink()
