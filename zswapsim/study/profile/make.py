"""Make a content profile: measure each content once, on all cores, and go on where an earlier call stopped."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from zswapsim._core.base.arguments import callback, flag, instance, listed, path_text, whole
from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim._core.codec.measure import measure_pages
from zswapsim._version import __version__
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import MOST_THREADS, Columns, spread
from zswapsim.compressors.plugins import GROUP
from zswapsim.compressors.registry import builtins
from zswapsim.files.apart import Named, keep_apart
from zswapsim.files.found import exists, is_special
from zswapsim.files.privacy import is_private
from zswapsim.files.system import read_text
from zswapsim.plugins import find_plugin, origin_of
from zswapsim.study.profile.file import read_profile, write_profile
from zswapsim.study.profile.journal import SUFFIX, Journal, Part
from zswapsim.study.profile.record import Origin, Profile, profile_key
from zswapsim.traces.contents import Contents

Progress = Callable[[int, int], None]
RANGE_ROWS = 256
"""Rows that a thread measures at once, and the maximum that each thread loses if the process is killed."""
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
    """Compress and decompress every distinct content once with every codec of `specs`; keep lengths and times.

    With `path` the profile is written there, completely or not at all. Until then its parts are kept in ``PATH.part``,
    so that the next call goes on from there if the process ends for any reason. A profile that exists already keeps its
    codecs; only rows that it lacks, or that come from another version of the codec's library, are measured. If `resume`
    is False, both files are ignored and replaced. The default of `threads` is the number of processors; each thread has
    its own context and works without the GIL. `progress` is called with the contents measured and their total.

    The profile of private contents is for its owner alone. Raises InputError if `path` is no profile, one of other
    contents, or a file that is read, and what :func:`measure` raises; OutputError if
    it cannot be written.
    """
    instance(contents, Contents, "contents")
    codecs = {profile_key(codec): codec for codec in map(get_compressor, listed(specs, "compressors"))}
    threads = len(os.sched_getaffinity(0)) if threads is None else whole(threads, "--threads", 1, MOST_THREADS)
    resume = flag(resume, "resume")
    callback(progress, "progress")
    if path is None:
        return _add(_begin(contents, None), contents, codecs, _Run(threads, progress))
    path_text(path, "path")
    if is_special(path):
        raise InputError(f"{path}: expected a file for the profile, got a device or pipe")
    keep_apart(_files_of(contents, codecs.values()), _files_for(path))
    with Journal(path, contents.hash, fresh=not resume, private=contents.private) as journal:
        begun = _begin(contents, path if resume and exists(path) else None)
        parts = list(journal.parts(len(begun.kind)))
        made = _add(begun, contents, codecs, _Run(threads, progress, journal, parts))
        made.private |= contents.private
        if made.added or (contents.private and not is_private(path)):
            made.name = str(path)
            write_profile(made, path)
        if journal.keys <= set(made.columns):
            journal.remove()
    return made


def _files_of(contents: Contents, codecs: Iterable[Codec]) -> Iterator[Named]:
    yield from (Named("the file of pages to be read", path) for path in contents.files)
    yield from (Named("a compressor's dictionary", str(codec.settings["dict"])) for codec in codecs if codec.dictionary)


def _files_for(path: str | Path) -> list[Named]:
    return [Named("the profile", path), Named("what the profile keeps until it is whole", f"{path}{SUFFIX}")]


class _Run(NamedTuple):
    """Hold the means with which a profile is made."""

    threads: int
    progress: Progress | None
    journal: Journal | None = None
    parts: Sequence[Part] = ()
    """Parts that the journal had at the begin."""


def _add(profile: Profile, contents: Contents, codecs: dict[str, Codec], run: _Run) -> Profile:
    """Add what the profile lacks of `codecs`, and return it."""
    origins = {key: _origin(codec) for key, codec in codecs.items()}
    wanted = {key: codec for key, codec in codecs.items() if _lacks(profile, key, origins[key])}
    if wanted:
        measuring = _Measuring(contents, wanted, origins)
        for part in run.parts:
            measuring.add_part(part)
        profile.added = measuring.run(run)
        profile.columns |= measuring.columns
        profile.origins |= {key: origins[key] for key in wanted}
    return profile


def _begin(contents: Contents, path: str | Path | None) -> Profile:
    """Return the profile in the file if there is one, else one without codecs. Raises InputError."""
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


class _Measuring:
    """Measure the rows that are not known: there are columns and a flag for every row, by codec."""

    def __init__(self, contents: Contents, codecs: dict[str, Codec], origins: dict[str, Origin]) -> None:
        self.images, self.codecs, self.origins = contents.images, codecs, origins
        self.which = np.unique(contents.content, return_index=True)[1].astype(np.uint32)
        self.rows = len(self.which)
        self.columns = {key: Columns.empty(self.rows) for key in codecs}
        self.known = {key: np.zeros(self.rows, bool) for key in codecs}

    def add_part(self, part: Part) -> None:
        """Add rows that were measured, unless they come from another version of the codec's library."""
        if part.key in self.codecs and self.origins[part.key].same_code(part.origin):
            self.columns[part.key].put(part.begin, part.columns)
            self.known[part.key][part.begin : part.begin + len(part.columns.size)] = True

    def run(self, how: _Run) -> dict[str, int]:
        """Measure the rows that are not known, and return how many there were, by codec."""
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
        """Yield the first row of every range in which a row is not known."""
        for begin in range(0, self.rows, RANGE_ROWS):
            if not self.known[key][begin : self._end(begin)].all():
                yield begin

    def _end(self, begin: int) -> int:
        return min(begin + RANGE_ROWS, self.rows)

    def _measure(self, key: str, begin: int, journal: Journal | None) -> int:
        """Measure one range with one codec, in a thread of its own, and return the number of rows."""
        end = self._end(begin)
        found = Columns.empty(end - begin)
        same, zero = np.empty((2, end - begin), np.uint8)  # scratch: the row's kind already has both
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
        self.add_part(part)
        if journal is not None:
            journal.append(part)
        return end - begin


def _origin(codec: Codec) -> Origin:
    """Return the origin of figures that this process measures with `codec`."""
    if codec.library is not None:
        return Origin(Path(codec.library.path).name, codec.library.version, cpu_name())
    entry = None if codec.name in builtins() else find_plugin(GROUP, codec.name)
    return Origin("", f"zswapsim {__version__}" if entry is None else origin_of(entry), cpu_name())


@cache
def cpu_name() -> str:
    """Return the name of the processor, or else its architecture."""
    try:
        lines = read_text(CPU_INFO).splitlines()
    except OSError:  # may fail without effect: the architecture's name stands for the processor's
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
