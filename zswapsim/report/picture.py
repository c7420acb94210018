"""Draw the audit's matrix with matplotlib (the extra ``pictures``), and write pictures to files."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zswapsim._core.base.errors import InputError
from zswapsim.files.atomic import atomic_write
from zswapsim.machine.audit import PROCESS, Cell
from zswapsim.report.audit import WORDS
from zswapsim.text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FORMS = (".svg", ".png")
FILLS = {
    "leaked": ("#c0392b", "#ffffff"),
    "granted": ("#2166ac", "#ffffff"),
    "fell-back": ("#e8eef5", "#1b2a3a"),
    "refused": ("#dcdcdc", "#1b2a3a"),
    "hidden": ("#f7f7f7", "#6b6b6b"),
    "revealed": ("#fdd58a", "#3a2a00"),
}
"""Colours of a cell's background and text, by outcome; they differ in lightness too, for colour-blind readers."""
ROW, COLUMN, NAMES, HEAD = 0.235, 1.55, 3.1, 1.0
"""Sizes in inches: height of a row, width of a column, width of the names, height of the head."""


def check_picture(path: str) -> None:
    """Refuse a picture that cannot be drawn, before the work. Raises InputError."""
    if Path(path).suffix not in FORMS:
        raise InputError(f"--picture {path}: expected a file that ends in {' or '.join(FORMS)}")
    try:
        import_module("matplotlib")
    except ImportError:
        raise InputError("--picture: needs matplotlib: pip install 'zswapsim[pictures]'") from None


def safe_label(text: str) -> str:
    """Return a text as a picture can show it: it may hold names, and a dollar sign begins no formula."""
    return printable(text).replace("$", r"\$")


def draw_matrix(cells: Sequence[Cell], path: str) -> None:
    """Write the picture, whole or not at all; an SVG has the same bytes every time. Raises InputError, OutputError."""
    check_picture(path)
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = list(dict.fromkeys(cell.row for cell in cells))
    rules = list(dict.fromkeys(cell.isolation for cell in cells))
    size = NAMES + COLUMN * len(rules), HEAD + ROW * (len(rows) + 3)
    with mpl.rc_context({"font.size": 8}):
        figure = Figure(figsize=size, facecolor="white")
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
        axes.axis("off")
        _head(axes, rules, cells)
        _body(axes, cells, rows, rules)
        _legend(axes, size[1] - 1.4 * ROW)
        save_picture(figure, path)


def save_picture(figure: "Figure", path: str) -> None:
    """Write a figure, whole or not at all; an SVG has the same bytes every time. Raises OutputError."""
    import matplotlib as mpl

    kind = Path(path).suffix[1:]
    metadata: dict[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
    with mpl.rc_context({"svg.hashsalt": "zswapsim", "svg.fonttype": "none"}), atomic_write(path) as file:
        figure.savefig(file, format=kind, dpi=160, metadata=metadata)


def _head(axes: "Axes", rules: Sequence[str], cells: Sequence[Cell]) -> None:
    axes.text(
        0.1, 0.3, "Who gets a frame of a private node, and who can tell that it is there", fontsize=11, weight="bold"
    )
    for place, rule in enumerate(rules):
        middle = NAMES + COLUMN * (place + 0.5)
        source = next((cell.rests_on for cell in cells if cell.isolation == rule), "")
        axes.text(middle, HEAD - 0.27, rule, ha="center", weight="bold")
        axes.text(middle, HEAD - 0.1, source, ha="center", color="#444444", fontsize=7)


def _body(axes: "Axes", cells: Sequence[Cell], rows: Sequence[str], rules: Sequence[str]) -> None:
    from matplotlib.patches import Rectangle

    for cell in cells:
        left = NAMES + COLUMN * rules.index(cell.isolation)
        top = HEAD + ROW * rows.index(cell.row)
        ground, letters = FILLS[cell.outcome]
        axes.add_patch(Rectangle((left, top), COLUMN, ROW, facecolor=ground, edgecolor="white", linewidth=1))
        words = [WORDS.get(cell.outcome, cell.outcome), cell.node or "", cell.errno or ""]
        mark = "*" if cell.rests_on == "baseline" else ""
        text = " ".join(word for word in words if word) + mark
        axes.text(left + COLUMN / 2, top + ROW * 0.68, text, ha="center", color=letters, fontsize=7.5)
    users = {cell.row for cell in cells if cell.caller == PROCESS}
    for place, row in enumerate(rows):
        axes.text(0.1, HEAD + ROW * (place + 0.68), row, style="italic" if row in users else "normal")


def _legend(axes: "Axes", top: float) -> None:
    text = "upright: callers in the kernel; slanted: calls and files of a process; *: rests on the baseline"
    axes.text(0.1, top, text, color="#444444")
    text = "hidden: the answer of a machine without the node; revealed: another answer"
    axes.text(0.1, top + ROW, text, color="#444444")
