"""The audit as text: the matrix, what it comes to for each rule, and a caller's walks."""

from collections.abc import Sequence
from textwrap import fill

from zswapsim.machine import Allocation
from zswapsim.machine.audit import PROCESS, Cell, Met, Outcome, Verdict
from zswapsim.machine.sources import BASELINE, CALL_SITES
from zswapsim.report.table import Column, render

BASELINE_MARK = "(b)"
WIDTH = 120
"""Of paragraphs, where there is no terminal."""
WORDS = {"leaked": "LEAKED", "fell-back": "fell back to"}
MEANING = """\
granted       frames on the private node, for the one it was granted to
LEAKED        frames on the private node, owned by someone it was not granted to
fell back to  wanted a private node, got frames of that node
refused       an error, the same as on a machine without the node
hidden        an answer like that of a machine without the node
revealed      an answer that a machine without the node would not have given"""


def audit_text(cells: Sequence[Cell], verdicts: Sequence[Verdict], width: int | None, colour: bool) -> str:
    """Everything: kernel callers, user surfaces, what the words mean, and a paragraph for each rule."""
    kernel = [cell for cell in cells if cell.caller != PROCESS]
    users = [cell for cell in cells if cell.caller == PROCESS]
    parts = [matrix_text("kernel caller", kernel, width, colour), matrix_text("user surface", users, width, colour)]
    lines = width or WIDTH
    based = "\n".join(f"{each.isolation}: {each.rests_on}" for each in verdicts)
    parts.append(
        f"{MEANING}\n\nA cell rests on the version of its rule, or, marked {BASELINE_MARK}, on the baseline.\n{based}"
    )
    return "\n\n".join([*parts, *(verdict_text(each, lines) for each in verdicts)])


def matrix_text(title: str, cells: Sequence[Cell], width: int | None, colour: bool) -> str:
    """A row for each caller or surface, a column for each rule."""
    rows = list(dict.fromkeys(cell.row for cell in cells))
    rules = list(dict.fromkeys(cell.isolation for cell in cells))
    by_place = {(cell.row, cell.isolation): cell for cell in cells}
    columns = [Column(rule, [cell_text(by_place[row, rule]) for row in rows], left=True) for rule in rules]
    return render([Column(title, rows, left=True)], columns, width, colour)


def cell_text(cell: Cell) -> str:
    """``fell back to A,B``, ``refused EINVAL (b)``."""
    words = [WORDS.get(cell.outcome, cell.outcome), cell.node, cell.errno]
    mark = BASELINE_MARK if cell.rests_on == str(BASELINE) else None
    return " ".join(word for word in [*words, mark] if word)


def verdict_text(verdict: Verdict, width: int = WIDTH) -> str:
    """What the cells of one rule come to."""
    lines = [
        f"{verdict.isolation} ({verdict.guarantee} guarantee; {verdict.rests_on})",
        _listed("leaks", verdict.leaks),
        _listed("callers that broke, as they could not fall back", verdict.broken),
        _listed("user surfaces that reach a private node", verdict.reached),
        _listed("user surfaces that reveal it", verdict.revealed),
    ]
    sites = ", ".join(f"{kind} {count}" for kind, count in verdict.sites.items())
    counted = f": {sites} ({CALL_SITES})" if sites else ""
    lines.append(f"  kinds of call sites to be fixed: {len(verdict.sites)}{counted}")
    return "\n".join(fill(line, width, subsequent_indent="    ", break_on_hyphens=False) for line in lines)


def _listed(title: str, names: Sequence[str]) -> str:
    return f"  {title}: {len(names)}" + (f": {'; '.join(names)}" if names else "")


def explanation(rule: str, name: str, outcome: Outcome) -> str:
    """Every walk of a caller under a rule, in order."""
    return "\n".join([f"{name} under {rule}", *(indented(met_text(met)) for met in outcome)])


def met_text(met: Met) -> str:
    """One walk and where it led."""
    if isinstance(met.what, Allocation):
        count = f"{met.what.frames} frame{'s' if met.what.frames > 1 else ''}"
        return f"{met.what.walk}\n  -> {count} on {met.what.node}, pfn {met.what.pfn}"
    return f"{met.what.walk}\n  -> nothing{', and asked again' if met.kind == 'tried' else ': out of memory'}"


def indented(text: str) -> str:
    """Two columns further in."""
    return "\n".join(f"  {line}" for line in text.splitlines())
