"""Making a content profile: every distinct content once, in all cores, from where an earlier try stopped."""

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zswapsim import __version__
from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim._core.codec.measure import measure_pages
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import Columns, spread
from zswapsim.compressors.plugins import find_plugin, origin_of
from zswapsim.compressors.registry import builtins
from zswapsim.study.profile.file import read_profile, write_profile
from zswapsim.study.profile.journal import Journal, Part
from zswapsim.study.profile.record import Origin, Profile, profile_key
from zswapsim.traces.contents import Contents

Progress = Callable[[int, int], None]
RANGE_ROWS = 256
"""Measured without a pause, and what is lost at most, a thread, when the process is killed."""
CPU_INFO = Path("/proc/cpuinfo")


def make_profile(
    contents: Contents,
    specs: Sequence[str | Codec],
    path: str | Path | None = None,
    *,
    threads: int | None = None,
    resume: bool = True,
    progress: Progress | None = None,
) -> Profile:
    """Compress and decompress every distinct content once with every codec of `specs`, and note length and times.

    With `path` the profile is written there, whole or not at all, and what was measured so far lies in ``PATH.part``:
    whatever ends the process, the next call goes on from there. A profile that is there already keeps its codecs, and
    only what it lacks is measured, or what it has from another version of the codec's library. With `resume` false
    both are ignored and replaced. `threads`: as many as there are processors when left out; each has a context of its
    own and no GIL. `progress` takes contents measured and their total.

    Raises InputError where `path` is no profile, or one of other contents, and what :func:`measure` raises; OutputError
    where it can't be written.
    """
    codecs = {profile_key(codec): codec for codec in map(get_compressor, specs)}
    threads = len(os.sched_getaffinity(0)) if threads is None else threads
    if threads < 1:
        raise InputError(f"--threads {threads}: expected at least 1")
    if path is None:
        return _add(_begun(contents, None), contents, codecs, _Run(threads, progress))
    with Journal(path, contents.hash, fresh=not resume) as journal:
        begun = _begun(contents, path if resume and Path(path).exists() else None)
        parts = list(journal.parts(len(begun.kind)))
        made = _add(begun, contents, codecs, _Run(threads, progress, journal, parts))
        if made.added:
            made.name = str(path)
            write_profile(made, path)
        if journal.keys <= set(made.columns):
            journal.remove()
    return made


class _Run(NamedTuple):
    """How a profile is made."""

    threads: int
    progress: Progress | None
    journal: Journal | None = None
    parts: Sequence[Part] = ()
    """What the journal had."""


def _add(profile: Profile, contents: Contents, codecs: dict[str, Codec], run: _Run) -> Profile:
    """The profile with what it lacks of `codecs`."""
    origins = {key: _origin(codec) for key, codec in codecs.items()}
    wanted = {key: codec for key, codec in codecs.items() if _lacks(profile, key, origins[key])}
    if wanted:
        work = _Work(contents, wanted, origins)
        for part in run.parts:
            work.take(part)
        profile.added = work.run(run)
        profile.columns |= work.columns
        profile.origins |= {key: origins[key] for key in wanted}
    return profile


def _begun(contents: Contents, path: str | Path | None) -> Profile:
    """The profile in the file, if there is one, else one without codecs. Raises InputError."""
    if path is not None:
        found = read_profile(path)
        found.check(contents)
        return found
    _, first = np.unique(contents.content, return_index=True)
    return Profile(
        "profile",
        contents.name,
        contents.hash,
        contents.content,
        contents.kind[first],
        contents.digest[first],
        {},
        {},
    )


def _lacks(profile: Profile, key: str, origin: Origin) -> bool:
    return key not in profile.columns or not profile.origins[key].same_code(origin)


class _Work:
    """What is to be measured, and what was: columns and a flag for every row, by codec."""

    def __init__(self, contents: Contents, codecs: dict[str, Codec], origins: dict[str, Origin]) -> None:
        self.images, self.codecs, self.origins = contents.images, codecs, origins
        self.which = np.unique(contents.content, return_index=True)[1].astype(np.uint32)
        self.rows = len(self.which)
        self.columns = {key: Columns.empty(self.rows) for key in codecs}
        self.known = {key: np.zeros(self.rows, bool) for key in codecs}

    def take(self, part: Part) -> None:
        """Note what was measured; figures of another version of a library are left."""
        if part.key in self.codecs and self.origins[part.key].same_code(part.origin):
            self.columns[part.key].put(part.begin, part.columns)
            self.known[part.key][part.begin : part.begin + len(part.columns.size)] = True

    def run(self, how: _Run) -> dict[str, int]:
        """Measure what is not known; how many rows that was, by codec."""
        todo = [(key, begin) for key in self.codecs for begin in self._gaps(key)]
        rows_of = dict.fromkeys(self.codecs, 0)
        for key, begin in todo:
            rows_of[key] += self._end(begin) - begin
        done, total = 0, sum(rows_of.values())
        for rows in spread(lambda number: self._measure(*todo[number], how.journal), range(len(todo)), how.threads):
            done += rows
            if how.progress is not None:
                how.progress(done, total)
        return rows_of

    def _gaps(self, key: str) -> Iterator[int]:
        """Where the ranges begin of which a row is not known."""
        for begin in range(0, self.rows, RANGE_ROWS):
            if not self.known[key][begin : self._end(begin)].all():
                yield begin

    def _end(self, begin: int) -> int:
        return min(begin + RANGE_ROWS, self.rows)

    def _measure(self, key: str, begin: int, journal: Journal | None) -> int:
        """One range with one codec, in a thread of its own; how many rows."""
        end = self._end(begin)
        found = Columns.empty(end - begin)
        same, zero = np.empty((2, end - begin), np.uint8)  # the row's kind tells both already
        measure_pages(
            self.codecs[key],
            self.images,
            0,
            end - begin,
            found.size,
            same,
            zero,
            found.compress_ns,
            found.decompress_ns,
            self.which[begin:end],
        )
        part = Part(key, self.origins[key], begin, found)
        self.take(part)
        if journal is not None:
            journal.append(part)
        return end - begin


def _origin(codec: Codec) -> Origin:
    """Where figures come from that this process takes of `codec`."""
    if codec.library is not None:
        return Origin(Path(codec.library.path).name, codec.library.version, cpu_name())
    entry = None if codec.name in builtins() else find_plugin(codec.name)
    return Origin("", f"zswapsim {__version__}" if entry is None else origin_of(entry), cpu_name())


@cache
def cpu_name() -> str:
    """The processor as Linux names it, else its architecture."""
    try:
        lines = CPU_INFO.read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
