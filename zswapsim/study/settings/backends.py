"""Parse the spec of a backend: ``zswap`` or ``zswap:max_pool_percent=40,version=6.6``."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.study.settings.sizes import parse_ranges, parse_size, whole

BACKENDS = ("private-node", "zswap", "zram", "cram", "disk")
IN_DRAM = ("zswap", "zram")
"""Backends whose pool lies in DRAM. It takes frames of the workload's DRAM, except for zram with charged=0."""
BEFORE_ANOTHER = ("private-node", "zram")
"""Backends that may stand in front of zswap, as the fast one of two tiers."""
SLOT_CHOICES = {"all": 0, "idle": 1, "huge": 2, "huge_idle": 3, "incompressible": 4}
"""Slots that recompression or writeback takes, and the core's numbers for them (recompress_slots, write_back_slots)."""

Reader = Callable[[str, str], Any]


class BackendSpec(NamedTuple):
    """Hold a backend's name and all its parameters."""

    name: str
    values: dict[str, Any]
    slow_tier: "BackendSpec | None" = None
    """The slow one of two tiers."""


def backend_name(spec: str) -> str:
    """Return the name in a backend's spec without checking the rest; of two tiers, that of the first."""
    return re.split("[:/]", spec, maxsplit=1)[0]


def two_tiers(spec: str) -> tuple[str, str]:
    """Split the spec of two tiers, ``private-node/zswap:max_pool_percent=40``; the second is empty if there is one."""
    first, *second = re.split(f"/(?=(?:{'|'.join(BACKENDS)})(?:$|:))", spec, maxsplit=1)
    return first, second[0] if second else ""


def lies_in_dram(spec: str) -> bool:
    """Tell if a pool lies in DRAM; of two tiers, at least one."""
    return any(backend_name(each) in IN_DRAM for each in two_tiers(spec))


def shares_dram(spec: str) -> bool:
    """Tell if a pool takes frames of the workload's DRAM. Raises InputError."""
    return lies_in_dram(spec) and parse_backend(spec).values.get("charged", 1) == 1


def charged_elsewhere(spec: str) -> bool:
    """Tell if a pool lies in DRAM that is not the workload's. Raises InputError."""
    return lies_in_dram(spec) and not shares_dram(spec)


def parse_backend(spec: str) -> BackendSpec:
    """Return the name and the parameters of a backend. Raises InputError."""
    first, second = two_tiers(spec)
    if second:
        if two_tiers(first)[1]:
            raise InputError(f"--backend {spec}: expected two tiers at most")
        fast, slow = parse_backend(first), parse_backend(second)
        if fast.name not in BEFORE_ANOTHER or slow.name != "zswap":
            raise InputError(f"--backend {spec}: expected {' or '.join(BEFORE_ANOTHER)} in front of zswap")
        if not fast.values.get("charged", 1):
            raise InputError(f"--backend {spec}: expected both of two tiers in the workload's DRAM, not charged=0")
        return fast._replace(slow_tier=slow)
    name, _, given = spec.partition(":")
    if name not in BACKENDS:
        raise InputError(f"--backend {spec}: expected one of {', '.join(BACKENDS)}")
    known = PARAMETERS.get(name, {})
    values = {key: default for key, (default, _) in known.items()}
    for each in given.split(",") if given else ():
        key, _, text = each.partition("=")
        if key not in known:
            raise InputError(f"--backend {spec}: {name} has no parameter {key!r}, only {', '.join(known) or 'none'}")
        values[key] = known[key][1](text, f"--backend {spec}: {key}")
    if name == "zram":
        _check_zram(values, f"--backend {spec}")
    return BackendSpec(name, values)


def _check_zram(values: dict[str, Any], what: str) -> None:
    """Raise InputError if parameters do not fit together; replace `algo` by the priority that it stands for."""
    algorithms = values["algorithms"]
    if values["priority"] > len(algorithms) or (values["algo"] and values["algo"] not in algorithms):
        raise InputError(f"{what}: expected priority or algo to name one of {len(algorithms)} algorithms")
    if values["priority"] and values["algo"]:
        raise InputError(f"{what}: expected either priority or algo")
    if values["algo"]:
        values["priority"] = 1 + algorithms.index(values["algo"])
    if values["writeback_limit"] and not values["writeback_limit_enable"]:
        raise InputError(f"{what}: writeback_limit: expected writeback_limit_enable=1 as well")
    if values["idle_age"] is not None and not values["idle_every"]:
        raise InputError(f"{what}: idle_age: expected idle_every as well")


def _number(lowest: int, highest: int) -> Reader:
    def read(text: str, what: str) -> int:
        found = whole(text)
        if found < 0 or not lowest <= found <= highest:
            raise InputError(f"{what}: expected a whole number from {lowest} to {highest}, got {text!r}")
        return found

    return read


def _pages(text: str, what: str) -> int:
    """Return a size in pages; 0 stands for no limit."""
    return 0 if text == "0" else parse_size(text, what) // PAGE_SIZE


def _version(text: str, what: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if whole(major) < 0 or whole(minor) < 0:
        raise InputError(f"{what}: expected a version of Linux such as 6.18, got {text!r}")
    return whole(major), whole(minor)


def _choice(*allowed: str) -> Reader:
    def read(text: str, what: str) -> str:
        if text not in allowed:
            raise InputError(f"{what}: expected one of {', '.join(allowed)}, got {text!r}")
        return text

    return read


def _codecs(text: str, what: str) -> tuple[str, ...]:
    names = tuple(text.split("+"))
    if not 1 <= len(names) <= 3 or not all(names):
        raise InputError(f"{what}: expected one to three codecs, as in zstd+zstd:level=9, got {text!r}")
    return names


FLAG = _number(0, 1)
EVERY = _number(0, 1 << 62)  # accesses; 0 is never

PARAMETERS: dict[str, dict[str, tuple[Any, Reader]]] = {
    "zswap": {
        "max_pool_percent": (20, _number(0, 100)),
        "version": ((6, 18), _version),
        "max": (None, _number(0, 1 << 62)),
        "writeback": (1, FLAG),
        "shrinker_enabled": (0, FLAG),
        "shrinker_priority": (12, _number(0, 12)),
        "retries": (16, _number(1, 1 << 30)),
    },
    "zram": {
        "mem_limit": (0, _pages),
        "disksize": (0, _pages),
        "algorithms": ((), _codecs),
        "recompress": ("all", _choice("all", "idle", "huge", "huge_idle")),
        "recompress_every": (0, EVERY),
        "threshold": (0, _number(0, PAGE_SIZE - 1)),
        "priority": (0, _number(0, 3)),
        "algo": ("", lambda text, _: text),
        "max_pages": (None, EVERY),
        "writeback": ("idle", _choice("idle", "huge", "huge_idle", "incompressible")),
        "page_indexes": (None, parse_ranges),
        "writeback_every": (0, EVERY),
        "writeback_limit_enable": (0, FLAG),
        "writeback_limit": (0, EVERY),
        "idle_every": (0, EVERY),
        "idle_age": (None, EVERY),
        "compact_every": (0, EVERY),
        "charged": (1, FLAG),
    },
}
"""The parameters of each backend: the default, and the function that reads the value."""
