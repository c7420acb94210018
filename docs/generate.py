"""Write the tables of the documentation that come from the code: ``python docs/generate.py``, or ``--check``.

A table stands between ``<!-- counters: SET -->`` and ``<!-- end -->``. With ``--check`` nothing is written, and the
exit code is 1 if a page differs from what would be.
"""

import re
import sys
from pathlib import Path

from zswapsim._core.base.counters import describe

PAGES = ("counters.md",)
MARKED = re.compile(r"(<!-- counters: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(rows: list[tuple[str, str, str]]) -> str:
    """Return a Markdown table of one set of counters."""
    lines = [f"| `{name}` | {rises} | {kernel} |" for name, kernel, rises in rows]
    return "\n".join(["", "| counter | when it rises | in the kernel |", "| --- | --- | --- |", *lines, "", ""])


def filled(text: str) -> str:
    """Return a page with every marked table made anew."""
    sets = describe()
    return MARKED.sub(lambda found: found[1] + table(sets[found[2]]) + found[3], text)


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them."""
    stale = 0
    for name in PAGES:
        path = Path(__file__).parent / name
        text = path.read_text()
        stale += filled(text) != text
        if "--check" not in arguments:
            path.write_text(filled(text))
    return stale if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
