"""A verdict lists the leaks of a rule, the callers that it breaks, and the surfaces that reach or reveal the node."""

from collections.abc import Sequence

import msgspec

from zswapsim.machine.audit.callers import CALLERS
from zswapsim.machine.audit.matrix import PROCESS, Cell
from zswapsim.machine.isolation import RULES

SITE_COUNTS = {
    "for_each_node": 346,
    "for_each_online_node": 67,
    "GFP_THISNODE": 58,
    "node_possible_map": 25,
    "node_online_map": 21,
}
"""The author of the proposals counted these call sites in April 2026 (``CALL_SITES``)."""
USERS_OF_DRAM = ("page cache", "page cache, DRAM full")
"""A rule does not break these callers: they want ordinary memory, and fail only if it is full."""


class Verdict(msgspec.Struct, frozen=True):
    """Sum up the cells of one rule."""

    isolation: str
    guarantee: str
    rests_on: str
    leaks: list[str]
    broken: list[str]
    """These callers were refused although another node had memory for them."""
    reached: list[str]
    """These user surfaces reach a private node."""
    revealed: list[str]
    """The answers of these user surfaces tell that a private node exists."""
    sites: dict[str, int]
    """Call sites of these kinds leak; there are so many of each."""


def verdicts(cells: Sequence[Cell]) -> list[Verdict]:
    """Return a verdict for each rule that the cells are of."""
    rules = dict.fromkeys(cell.isolation for cell in cells)
    return [_verdict(rule, [cell for cell in cells if cell.isolation == rule]) for rule in rules]


def _verdict(rule: str, cells: Sequence[Cell]) -> Verdict:
    kernel = [cell for cell in cells if cell.caller != PROCESS]
    users = [cell for cell in cells if cell.caller == PROCESS]
    kinds = {site for cell in kernel if cell.outcome == "leaked" for site in CALLERS[cell.caller].sites}
    return Verdict(
        isolation=rule,
        guarantee=RULES[rule].guarantee,
        rests_on=str(RULES[rule].source),
        leaks=[cell.row for cell in cells if cell.outcome == "leaked"],
        broken=[cell.caller for cell in kernel if cell.outcome == "refused" and cell.caller not in USERS_OF_DRAM],
        reached=[cell.row for cell in users if cell.outcome in ("leaked", "granted")],
        revealed=[cell.row for cell in users if cell.outcome == "revealed"],
        sites={kind: count for kind, count in SITE_COUNTS.items() if kind in kinds},
    )
