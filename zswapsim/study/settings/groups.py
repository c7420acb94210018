"""Parse groups of a trace's processes, which are like memory cgroups: ``web:processes=1+2,max=16M;web/front:...``."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.settings.sizes import parse_ranges, parse_size

WORKLOAD = "workload"
"""The group that holds all others, and the processes that are in no other."""
NAME = re.compile(r"[\w.-]+(/[\w.-]+)*")
KEYS = ("processes", "max", "writeback")
MOST_GROUPS = 1024
MOST_DEPTH = 32
LONGEST_NAME = 255  # NAME_MAX, of each part of a path

Ranges = tuple[tuple[int, int], ...]
"""The first and the last process of each range. Ranges are compared and never expanded."""


class Group(NamedTuple):
    """Hold the name of one group, its processes, and the values of its cgroup files."""

    name: str
    processes: Ranges = ()
    """The ranges ascend and do not touch."""
    most_bytes: int | None = None
    """memory.zswap.max; None for unlimited."""
    writeback: bool = True
    """memory.zswap.writeback."""


def parse_groups(text: str) -> list[Group]:
    """Return the groups of a spec, each after its parent; a parent that the spec leaves out is added.

    Raises InputError for an unknown name or key, for a group or a process that is named twice, and for more than
    MOST_GROUPS groups.
    """
    found: dict[str, Group] = {}
    for part in text.split(";") if text else ():
        group = _parse(part.strip())
        if group.name in found:
            raise InputError(f"--groups {text}: expected {group.name} once")
        found[group.name] = group
    for name in list(found):
        for end in (match.start() for match in re.finditer("/", name)):
            found.setdefault(name[:end], Group(name[:end]))
    if len(found) > MOST_GROUPS:
        raise InputError(f"--groups {text[:60]}…: {len(found)} groups: expected at most {MOST_GROUPS}")
    twice = _in_two(group.processes for group in found.values())
    if twice is not None:
        raise InputError(f"--groups {text}: process {twice} is in more than one group")
    return [found[name] for name in sorted(found, key=lambda name: name.split("/"))]


def _in_two(groups: Iterable[Ranges]) -> int | None:
    """Return the lowest process that two groups name, None if there is none. The ranges of a group are merged."""
    ranges = sorted(each for group in groups for each in group)
    reach = -1
    for first, last in ranges:
        if first <= reach:
            return first
        reach = last
    return None


def _parse(part: str) -> Group:
    name, _, given = part.partition(":")
    what = f"--groups {part}"
    parts = name.split("/")
    if len(parts) > MOST_DEPTH or max(map(len, parts)) > LONGEST_NAME:
        raise InputError(
            f"--groups {part[:60]}…: expected at most {MOST_DEPTH} names of {LONGEST_NAME} characters each"
        )
    if not NAME.fullmatch(name) or name == WORKLOAD:
        raise InputError(f"{what}: expected NAME:KEY=VALUE,... and another name than {WORKLOAD}")
    values: dict[str, Any] = {}
    for each in given.split(",") if given else ():
        key, _, value = each.partition("=")
        if key not in KEYS or key in values:
            raise InputError(f"{what}: expected each of {', '.join(KEYS)} once at most, got {key!r}")
        values[key] = value
    if values.get("writeback", "1") not in ("0", "1"):
        raise InputError(f"{what}: writeback: expected 0 or 1, got {values['writeback']!r}")
    return Group(
        name,
        _processes(values.get("processes", ""), what),
        _most(values["max"], what) if "max" in values else None,
        values.get("writeback", "1") == "1",
    )


def _most(text: str, what: str) -> int:
    return 0 if text == "0" else parse_size(text, f"{what}: max")


def _processes(text: str, what: str) -> Ranges:
    """Return the processes of ``1+5-9``, as ranges that ascend and do not touch."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(parse_ranges(text, f"{what}: processes") if text else ()):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return tuple(found)


def group_tree(text: str, most_bytes: int | None, writeback: bool) -> list[tuple[int | None, int | None, bool]]:
    """Return (parent, most pages of compressed bytes, writeback) for each group; the workload's group is the first."""
    groups = parse_groups(text)
    numbers = {WORKLOAD: 0} | {group.name: number for number, group in enumerate(groups, 1)}
    rows = [Group(WORKLOAD, most_bytes=most_bytes, writeback=writeback), *groups]
    return [
        (
            None if group.name == WORKLOAD else numbers[group.name.rpartition("/")[0] or WORKLOAD],
            None if group.most_bytes is None else group.most_bytes // PAGE_SIZE,
            group.writeback,
        )
        for group in rows
    ]
