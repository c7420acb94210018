"""The options that every field of Settings has, declared once for `run` (one value) and `compare` (several)."""

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from zswapsim.machine.isolation import RULES
from zswapsim.study.backendspec import BACKENDS
from zswapsim.study.cost import PRESETS
from zswapsim.study.policies import RECLAIMERS
from zswapsim.study.settings import DEPTHS, READAHEADS, Settings

if TYPE_CHECKING:
    from zswapsim.study.profile import Profile

MACHINE, SWAP, HOW = "Memory", "Swap backend", "How it is run"
NO_CONTENTS = "none"
DEFAULT_CONTENTS = "recipe:mix"


class Choice(NamedTuple):
    """How one field of Settings is asked for."""

    help: str
    panel: str
    metavar: str | None = None
    many: bool = False
    """`compare` takes several values of it."""


CHOICES = {
    "dram": Choice("DRAM for the workload's pages: bytes, 64MiB, or 50% of the footprint.", MACHINE, "SIZE", True),
    "node": Choice("The private node, which holds the pool.", MACHINE, "SIZE", True),
    "equal_memory": Choice("Backends without a private node have its size as DRAM too.", MACHINE),
    "isolation": Choice(f"Who is kept off the node, and how: {', '.join(RULES)}.", MACHINE, "RULE"),
    "bind_node": Choice("Put the node's frames on this NUMA node of the host; -1: anywhere.", MACHINE, "N"),
    "swap": Choice("The swap device behind the node: none, unlimited, or a size.", MACHINE, "SIZE", True),
    "cost": Choice(f"The modelled machine: {', '.join(PRESETS)}.", MACHINE, "PRESET", True),
    "backend": Choice(f"What stands behind swap: {', '.join(BACKENDS)}.", SWAP, "SPEC", True),
    "cram": Choice("The compressing device, as in form=tier,ratio=2.5 (docs/cram.md).", SWAP, "SPEC", True),
    "compressor": Choice("Codec and parameters, as in zstd:level=3.", SWAP, "SPEC", True),
    "chain_size": Choice("Most frames in a zspage, 4 to 16.", SWAP, "N", True),
    "accept_threshold_percent": Choice("A full node is written back down to this share.", SWAP, "N", True),
    "exclusive_loads": Choice("A load drops the pool's copy, as in zswap; else it stays until a write.", SWAP),
    "assumed_length": Choice("Compressed bytes of a page without contents, for a pool in DRAM.", SWAP, "N", True),
    "groups": Choice("Groups of processes in zswap: web:processes=1+2,max=16M;...", SWAP, "SPEC", True),
    "folio": Choice("Size of the folios that memory comes in: 4KiB, or 16KiB to 128KiB.", SWAP, "SIZE", True),
    "folio_swapin": Choice("How a large folio comes back: page by page, whole, or auto.", SWAP, "HOW", True),
    "folio_compress": Choice("How a large folio is compressed: page by page, or whole.", SWAP, "HOW", True),
    "zero_map": Choice("Zero pages never reach the backend (Linux since 6.12).", SWAP),
    "reclaim": Choice(f"Which pages are evicted: {', '.join(RECLAIMERS)}.", HOW, "NAME", True),
    "reclaim_batch": Choice("Pages evicted at once; 0: 32 for two-list and mglru, else 1.", HOW, "N", True),
    "readahead": Choice(f"Read from swap beside a fault's page: {', '.join(READAHEADS)}.", HOW, "NAME", True),
    "page_cluster": Choice("The largest readahead window is 2**N pages, 0 to 9; 0: off.", HOW, "N", True),
    "depth": Choice(f"How far pages are followed: {', '.join(DEPTHS)}.", HOW, "NAME"),
    "verify": Choice("At bytes depth, compare every page loaded with the one stored.", HOW),
    "seed": Choice("Shifts which content a page starts with.", HOW, "N"),
    "window": Choice("Accesses in a row of the timeline; 0 chooses.", HOW, "N"),
}

TraceArgument = Annotated[
    str, typer.Argument(metavar="TRACE", help="A trace file, bundled:json, bundled:sort, or gen:zipf,pages=1e5,...")
]
ContentsOption = Annotated[
    str | None,
    typer.Option(
        metavar="PAGES",
        help="What pages hold: FILE.pages, recipe:NAME, pid:PID, or none. With --profile, those that it was made of.",
        show_default=DEFAULT_CONTENTS,
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(metavar="FILE.parquet", help="A profile (zswapsim profile): depth sizes, and nothing is compressed."),
]
JsonOption = Annotated[str | None, typer.Option(metavar="FILE|-", help="Write the result as JSON; - to stdout, alone.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No table, no progress bar.")]


def with_settings(depth: str, several: bool = False) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command an option for every field of Settings; it takes them as keywords.

    `depth` is the depth of a run that has contents, where none is asked for; with a profile it is sizes. Where
    `several` is true, the fields of which a comparison takes several values come as lists.
    """

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        signature = inspect.signature(command)
        own = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        shown = f"{depth}; counts without contents"
        added = [_parameter(field, choice, shown, several) for field, choice in CHOICES.items()]

        @functools.wraps(command)
        def whole(**given: Any) -> Any:
            usual = "sizes" if given["profile"] is not None else depth
            given["depth"] = given["depth"] or ("counts" if given["contents"] == NO_CONTENTS else usual)
            return command(**given)

        whole.__signature__ = inspect.Signature([*own, *added])  # type: ignore[attr-defined]
        whole.__annotations__ = {parameter.name: parameter.annotation for parameter in [*own, *added]}
        return whole

    return decorate


def profiled(contents: str | None, profile: str | None, depth: str) -> "tuple[str | None, Profile | None]":
    """The contents to read and the profile, read, from what was asked for. Raises InputError."""
    if profile is None:
        return None if contents == NO_CONTENTS else contents or DEFAULT_CONTENTS, None
    from zswapsim._core.base.errors import InputError
    from zswapsim.study.profile import read_profile

    if depth != "sizes":
        raise InputError(f"--profile {profile}: is for --depth sizes, with contents: got --depth {depth}")
    return contents, read_profile(profile)


def _parameter(field: str, choice: Choice, depth_shown: str, several: bool) -> inspect.Parameter:
    """The parameter of a command that stands for one field, with the default that Settings has."""
    default = None if field == "depth" else getattr(Settings(), field)
    kind: Any = str | None if field == "depth" else type(default)
    if several and choice.many:
        kind, default = list[kind], [default]
    option = typer.Option(
        help=choice.help,
        metavar=choice.metavar,
        rich_help_panel=choice.panel,
        show_default=depth_shown if field == "depth" else True,
    )
    return inspect.Parameter(field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])
