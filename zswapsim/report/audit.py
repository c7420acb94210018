"""Print the audit as text: the matrix, the verdict on each rule, and the walks of a caller."""

from collections.abc import Sequence
from textwrap import fill

from zswapsim.machine import Allocation
from zswapsim.machine.audit import PROCESS, Cell, Met, Outcome, Verdict
from zswapsim.machine.sources import BASELINE, CALL_SITES
from zswapsim.report.table import Column, render

BASELINE_MARK = "(b)"
WIDTH = 120
"""Width of paragraphs without a terminal."""
WORDS = {"leaked": "LEAKED", "fell-back": "fell back to"}
MEANING = """\
granted       got frames on the private node that is granted to it
LEAKED        got frames on a private node that is not granted to it
fell back to  asked for a private node and got frames of that node
refused       got an error, the same as on a machine without the node
hidden        got the answer that a machine without the node gives
revealed      got an answer that a machine without the node does not give"""


def audit_text(cells: Sequence[Cell], verdicts: Sequence[Verdict], width: int | None, colour: bool) -> str:
    """Return the whole report: kernel callers, user surfaces, a legend, and a paragraph for each rule."""
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
    """Return a table with a row for each caller or surface and a column for each rule."""
    rows = list(dict.fromkeys(cell.row for cell in cells))
    rules = list(dict.fromkeys(cell.isolation for cell in cells))
    by_place = {(cell.row, cell.isolation): cell for cell in cells}
    columns = [Column(rule, [cell_text(by_place[row, rule]) for row in rows], left=True) for rule in rules]
    return render([Column(title, rows, left=True)], columns, width, colour)


def cell_text(cell: Cell) -> str:
    """Return the text of a cell, such as ``fell back to A,B`` or ``refused EINVAL (b)``."""
    words = [WORDS.get(cell.outcome, cell.outcome), cell.node, cell.errno]
    mark = BASELINE_MARK if cell.rests_on == str(BASELINE) else None
    return " ".join(word for word in [*words, mark] if word)


def verdict_text(verdict: Verdict, width: int = WIDTH) -> str:
    """Return the paragraph that sums up the cells of one rule."""
    lines = [
        f"{verdict.isolation} ({verdict.guarantee} guarantee; {verdict.rests_on})",
        _listed("leaks", verdict.leaks),
        _listed("callers that failed, as they could not fall back", verdict.broken),
        _listed("user surfaces that reach a private node", verdict.reached),
        _listed("user surfaces that reveal it", verdict.revealed),
    ]
    sites = ", ".join(f"{kind} {count}" for kind, count in verdict.sites.items())
    listed = [f"{sites} ({CALL_SITES})"] if sites else []
    lines.append(_listed("kinds of call sites to fix", listed, len(verdict.sites)))
    return "\n".join(fill(line, width, subsequent_indent="    ", break_on_hyphens=False) for line in lines)


def _listed(title: str, names: Sequence[str], number: int | None = None) -> str:
    """Return a title, how many there are, and their names."""
    parts = [title, str(len(names) if number is None else number), *(["; ".join(names)] if names else [])]
    return f"  {': '.join(parts)}"


def explanation(rule: str, name: str, outcome: Outcome) -> str:
    """Return every walk of a caller under a rule, in order."""
    return "\n".join([f"{name} under {rule}", *(indented(met_text(met)) for met in outcome)])


def met_text(met: Met) -> str:
    """Return one walk and its result."""
    if isinstance(met.what, Allocation):
        frames = "1 frame" if met.what.frames == 1 else f"{met.what.frames} frames"
        return f"{met.what.walk}\n  -> {frames} on {met.what.node}, pfn {met.what.pfn}"
    if met.kind == "tried":
        return f"{met.what.walk}\n  -> nothing, and asked again"
    return f"{met.what.walk}\n  -> nothing: out of memory"


def indented(text: str) -> str:
    """Indent every line by two columns."""
    return "\n".join(f"  {line}" for line in text.splitlines())
