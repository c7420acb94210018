"""Declare the options that several commands share, among them one for every field of Settings."""

import argparse
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from zswapsim.machine.isolation import RULES
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.study.settings import DEPTHS, READAHEADS, Settings
from zswapsim.study.settings.backends import BACKENDS
from zswapsim.study.settings.cost import PRESETS
from zswapsim.text import shortened

if TYPE_CHECKING:
    from zswapsim.study.profile import Profile

MEMORY, SWAP, REPLAY = "Memory", "Swap backend", "Replay"
NO_CONTENTS = "none"
DEFAULT_CONTENTS = "recipe:mix"
RECLAIM_HELP = f"How pages are chosen for reclaim: {', '.join(RECLAIMERS)}, or a plug-in."
WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
NUMBER = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?")
LARGEST = 1 << 63
MOST_THREADS = 4096
SEED_HELP = "Shift which content each page starts with."
CHAIN_HELP = "The most frames in a zspage, 4 to 16."


class Choice(NamedTuple):
    """Describe the option of one field of Settings."""

    help: str
    section: str
    metavar: str | None = None
    many: bool = False
    """`compare` takes several values of it."""


CHOICES = {
    "dram": Choice("DRAM for the workload's pages: bytes, 64MiB, or 50% of the footprint.", MEMORY, "SIZE", True),
    "node": Choice("Size of the private node, which holds the pool.", MEMORY, "SIZE", True),
    "equal_memory": Choice("Add the node's size to DRAM for a backend without a private node.", MEMORY),
    "isolation": Choice(f"Rule that keeps others off the node: {', '.join(RULES)}.", MEMORY, "RULE"),
    "bind_node": Choice("Put the node's frames on this NUMA node of the host; -1 for any.", MEMORY, "N"),
    "swap": Choice("Swap device behind the node: none, unlimited, or a size.", MEMORY, "SIZE", True),
    "cost": Choice(f"Modelled machine: {', '.join(PRESETS)}.", MEMORY, "PRESET", True),
    "backend": Choice(f"Swap backend: {', '.join(BACKENDS)}.", SWAP, "SPEC", True),
    "cram": Choice("The compressing device, as in form=tier,ratio=2.5 (docs/cram.md).", SWAP, "SPEC", True),
    "compressor": Choice("Compressor and parameters, as in zstd:level=3.", SWAP, "SPEC", True),
    "chain_size": Choice(CHAIN_HELP, SWAP, "N", True),
    "accept_threshold_percent": Choice("Write a full pool back until this share of it is in use.", SWAP, "N", True),
    "exclusive_loads": Choice("Drop the pool's copy on a load, as zswap does, or keep it until a write.", SWAP),
    "assumed_length": Choice("Compressed bytes of a page without contents, in a DRAM pool.", SWAP, "N", True),
    "groups": Choice("Groups of processes in zswap: web:processes=1+2,max=16M;...", SWAP, "SPEC", True),
    "folio": Choice("Size of anonymous folios: 4KiB, or 16KiB to 128KiB.", SWAP, "SIZE", True),
    "folio_swapin": Choice("How to swap a large folio in: page (by page), whole, or auto.", SWAP, "HOW", True),
    "folio_compress": Choice("How to compress a large folio: page (by page), or whole.", SWAP, "HOW", True),
    "zero_map": Choice("Keep zero pages out of the backend (Linux since 6.12).", SWAP),
    "reclaim": Choice(RECLAIM_HELP, REPLAY, "NAME", True),
    "reclaim_batch": Choice("Pages reclaimed at once; 0 means 32 for two-list and mglru, else 1.", REPLAY, "N", True),
    "readahead": Choice(f"Swap readahead on a major fault: {', '.join(READAHEADS)}.", REPLAY, "NAME", True),
    "page_cluster": Choice("Limit a readahead window to 2**N pages, 0 to 9; 0 turns it off.", REPLAY, "N", True),
    "depth": Choice(f"How closely to follow pages: {', '.join(DEPTHS)}.", REPLAY, "NAME"),
    "verify": Choice("At bytes depth, compare every page loaded with the one stored.", REPLAY),
    "seed": Choice(SEED_HELP, REPLAY, "N"),
    "window": Choice("Accesses in a row of the timeline; 0 means a hundredth of the trace.", REPLAY, "N"),
}


def add_trace(parser: argparse.ArgumentParser) -> None:
    """Declare the argument that names a trace."""
    text = "A trace file, bundled:json, bundled:sort, or gen:zipf,pages=1e5,..."
    parser.add_argument("trace", metavar="TRACE", help=text)


def add_contents(parser: argparse.ArgumentParser) -> None:
    """Declare the options that say what the pages hold."""
    text = (
        "What the pages hold: FILE.pages, recipe:NAME, pid:PID, or none. "
        f"[default: {DEFAULT_CONTENTS}; with --profile, the pages it was made from]"
    )
    parser.add_argument("--contents", metavar="PAGES", help=text)
    text = "A profile (zswapsim profile) to take compressed lengths from; the depth is then sizes."
    parser.add_argument("--profile", metavar="FILE.parquet", help=text)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Declare `--json` and `--quiet`."""
    text = "Write the result as JSON; with -, print it on stdout and nothing else."
    parser.add_argument("--json", metavar="FILE|-", help=text)
    add_quiet(parser, "Print no table and no progress bar.")


def add_quiet(parser: argparse.ArgumentParser, text: str) -> None:
    """Declare `--quiet`."""
    parser.add_argument("--quiet", "-q", action="store_true", help=text)


def add_settings(parser: argparse.ArgumentParser, depth: str, *, several: bool = False) -> None:
    """Declare an option for every field of Settings, in sections.

    `depth` is the default for a run with contents. If `several` is true, a field that a comparison can vary may be
    given several times and is parsed into a list. An option that is not given leaves no attribute: Settings knows its
    default.
    """
    usual = Settings()
    sections = {title: parser.add_argument_group(title) for title in (MEMORY, SWAP, REPLAY)}
    for field, choice in CHOICES.items():
        default = getattr(usual, field)
        shown = f"{depth}; counts without contents" if field == "depth" else default
        _add(sections[choice.section], field, choice, default, shown, several=several and choice.many)


def _add(section: Any, field: str, choice: Choice, default: object, shown: object, *, several: bool) -> None:
    """Declare the option of one field: a switch, a number or a text."""
    flag = f"--{field.replace('_', '-')}"
    if isinstance(default, bool):
        text = f"{choice.help} [default: {flag if default else flag.replace('--', '--no-', 1)}]"
        section.add_argument(flag, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=text)
        return
    parts = [choice.help, "Repeatable." if several else "", f"[default: {shown}]" if shown != "" else ""]
    text = " ".join(part for part in parts if part)
    section.add_argument(
        flag,
        metavar=choice.metavar,
        type=whole_number if isinstance(default, int) else str,
        action="append" if several else "store",
        default=argparse.SUPPRESS,
        help=text.replace("%", "%%"),
    )


def asked_settings(args: argparse.Namespace, depth: str) -> dict[str, Any]:
    """Return the fields of Settings that the command line gives, and the depth.

    Without `--depth` it is `counts` if there are no contents, `sizes` with a profile, and `depth` otherwise.
    """
    given = {field: value for field, value in vars(args).items() if field in CHOICES}
    usual = depth if args.profile is None else "sizes"
    return {"depth": "counts" if args.contents == NO_CONTENTS else usual} | given


def profiled(contents: str | None, profile: str | None, depth: str) -> "tuple[str | None, Profile | None]":
    """Return the contents to read, and the profile if one is named. Raises InputError."""
    if profile is None:
        return None if contents == NO_CONTENTS else contents or DEFAULT_CONTENTS, None
    from zswapsim._core.base.errors import InputError
    from zswapsim.study.profile import read_profile

    if depth != "sizes":
        raise InputError(f"--profile {profile}: is for --depth sizes, with contents: got --depth {depth}")
    return contents, read_profile(profile)


def whole_number(text: str) -> int:
    """Parse the value of an option that takes a whole number; what has 64 bits is one, as nothing counts further."""
    found = int(text) if WHOLE.fullmatch(text) else LARGEST
    if not -LARGEST < found < LARGEST:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {shortened(text)!r}")
    return found


def number(text: str) -> float:
    """Parse the value of an option that takes a number, which is finite."""
    found = float(text) if NUMBER.fullmatch(text) else math.inf
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"expected a number, got {shortened(text)!r}")
    return found
