"""Provide the inputs of the digest of settings: traces, contents, and their compressed lengths.

This is the one place where the digest's modules import from the package.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from tests.reference.times import assert_result_times
from zswapsim import (
    Contents,
    NodeFullError,
    PageStore,
    Profile,
    Result,
    Settings,
    compare,
    curves,
    make_profile,
    plan,
    read_contents,
    read_trace,
    run,
)
from zswapsim.compressors import available
from zswapsim.report.kernelforms import FORMS, kernel_form
from zswapsim.traces import ArrayTrace, DenseTrace, Trace

__all__ = [
    "CONTENTS",
    "FORMS",
    "OWN_CODECS",
    "TRACES",
    "Contents",
    "NodeFullError",
    "PageStore",
    "Profile",
    "Result",
    "Settings",
    "assert_result_times",
    "compare",
    "curves",
    "image_array",
    "kernel_form",
    "library_version",
    "open_contents",
    "open_dense",
    "plan",
    "profile_of",
    "run",
]

OWN_CODECS = ("lz4-linux", "lzo", "lzo-rle", "bdi", "fpc", "wkdm", "store")
"""Codecs whose code is in this tree, so that their lengths depend on no library."""

CONTENTS = {
    "mix": "recipe:mix,pages=512",
    "half": "recipe:half,pages=64",
    "noise": "recipe:noise,pages=32",
    "pattern": "recipe:pattern,pages=32",
    "sparse": "recipe:sparse,pages=128",
    "text": "recipe:text,pages=64",
    "zero": "recipe:zero,pages=4",
}

PARTS: dict[str, tuple[str, int]] = {
    # name: (specification, events that are taken from its beginning)
    "zipf": ("gen:zipf,pages=2000,events=20000,alpha=0.8,writes=0.3", 0),
    "zipf-read": ("gen:zipf,pages=1500,events=16000,alpha=1,writes=0.05,seed=3", 0),
    "uniform": ("gen:uniform,pages=1000,events=12000,writes=0.5,seed=1", 0),
    "scan": ("gen:scan,pages=2000,repeat=4,writes=0.4", 0),
    "loop": ("gen:loop,pages=1200,events=9000,writes=0.2", 0),
    "phases": ("gen:phases,pages=2000,events=24000,set=0.3,overlap=0.4,alpha=0.6,writes=0.3,seed=2", 0),
    "json": ("bundled:json", 0),
    "sort": ("bundled:sort", 0),
    "json-head": ("bundled:json", 200_000),
    "sort-head": ("bundled:sort", 80_000),
}
TURN = 1000
"""Accesses of one process before the next one runs."""


def columns(spec: str, events: int) -> tuple[NDArray[np.uint64], NDArray[np.uint8]]:
    """Return the pages and ops of a trace, or of its first `events` accesses."""
    pages, ops = zip(*((chunk.page, chunk.op) for chunk in read_trace(spec).chunks()), strict=True)
    end = events or None
    return np.concatenate(pages)[:end], np.concatenate(ops)[:end]


def part(name: str) -> Trace:
    spec, events = PARTS[name]
    return ArrayTrace(*columns(spec, events), name=f"{spec} to {events}") if events else read_trace(spec)


def numbers(count: int, limit: int, seed: int) -> NDArray[np.int64]:
    """Return `count` numbers below `limit`, the same with every numpy."""
    return (np.random.PCG64(seed).random_raw(count) % np.uint64(limit)).astype(np.int64)


def runs() -> Trace:
    """Touch 1 to 40 consecutive pages from a random one on, over and over: the pattern that readahead is made for."""
    starts, lengths, writes = numbers(800, 1600, 1), 1 + numbers(800, 40, 2), numbers(800, 3, 3) == 0
    page = np.concatenate([np.arange(start, start + length) for start, length in zip(starts, lengths, strict=True)])
    return ArrayTrace(page.astype(np.uint64), np.repeat(writes, lengths).astype(np.uint8), name="runs")


def spaced() -> Trace:
    """Spread the pages of `runs` over mappings of 300 pages, with holes of 700 between them."""
    (chunk,) = runs().chunks()
    return ArrayTrace(chunk.page + chunk.page // np.uint64(300) * np.uint64(700), chunk.op, name="spaced")


def in_turns(name: str, parts: Iterable[tuple[NDArray[np.uint64], NDArray[np.uint8]]]) -> Trace:
    """Let processes 1, 2, ... make the accesses of one part each, in turns."""
    turns = [
        (page[at : at + TURN], op[at : at + TURN], np.full(len(page[at : at + TURN]), process, np.uint32), at, process)
        for process, (page, op) in enumerate(parts, 1)
        for at in range(0, len(page), TURN)
    ]
    turns.sort(key=lambda turn: turn[3:])
    page, op, process = (np.concatenate([turn[column] for turn in turns]) for column in range(3))
    return ArrayTrace(page, op, None, process, name)


def processes() -> Trace:
    zipf = "gen:zipf,pages=600,events=6000,alpha=0.7,writes=0.3,seed="
    return in_turns(
        "processes", [columns(f"{zipf}{seed}", 0) for seed in range(3)] + [columns("gen:loop,pages=500,events=4000", 0)]
    )


def json_processes() -> Trace:
    return in_turns("json-processes", [columns("bundled:json", 60_000)] * 4)


MADE = {"runs": runs, "spaced": spaced, "processes": processes, "json-processes": json_processes}
TRACES = (*PARTS, *MADE)


@cache
def open_dense(name: str) -> DenseTrace:
    """Return a trace that is read once, however many settings are computed over it."""
    dense = DenseTrace(MADE[name]() if name in MADE else part(name))
    dense.scan()
    return dense


@cache
def open_contents(name: str) -> Contents | None:
    return read_contents(CONTENTS[name]) if name else None


def image_array(name: str) -> NDArray[np.uint8]:
    contents = open_contents(name)
    assert contents is not None
    return contents.images


@cache
def profile_of(name: str, codecs: tuple[str, ...]) -> Profile:
    """Return the lengths of contents, with times that follow from them, so that no clock is in any result."""
    contents = open_contents(name)
    assert contents is not None
    found = make_profile(contents, codecs)
    timed = {
        spec: each._replace(
            compress_ns=(each.size.astype(np.uint32) * 3 + 500), decompress_ns=(each.size.astype(np.uint32) + 200)
        )
        for spec, each in found.columns.items()
    }
    return replace(found, columns=timed)


@cache
def library_version(codec: str) -> str:
    """Return the version of the library behind a codec: "" if it needs none, "missing" if it is not installed."""
    info = next(each for each in available() if each.name == codec)
    return "missing" if info.missing else info.version
