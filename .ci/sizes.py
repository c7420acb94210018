"""Check that files and functions stay small: a room that has grown large has more than one tenant.

Prints one line for each `.pyx` over 450 lines, each `.py` over 250, and each function over 60, and exits 1 if there is
one. Nothing is exempt.
"""

import re
import subprocess
import sys
from pathlib import Path

MOST_LINES = {".pyx": 450, ".pxd": 450, ".py": 250, ".c": 450}
MOST_FUNCTION = 60
TESTS_MOST = 450
"""The maximum for tests/test_*.py and tests/reference: a test module may be as long as the module that it tests."""

DEF = re.compile(r"^(\s*)(?:async\s+)?(?:cp?def|def)\s(?!(?:class|extern|enum|struct)\b)[^=#]*\(")


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [str(path) for path in Path().rglob("*.py*")]
    return [Path(name) for name in names if Path(name).suffix in MOST_LINES and Path(name).exists()]


def most_lines(path: Path) -> int:
    return TESTS_MOST if path.parts[0] == "tests" and path.suffix == ".py" else MOST_LINES[path.suffix]


def functions(lines: list[str]) -> list[tuple[int, int]]:
    """Return (first line, length) of every function, by indentation: a function ends where the text returns to it."""
    found = []
    for number, line in enumerate(lines):
        match = DEF.match(line)
        if not match:
            continue
        indent, last = len(match[1]), number
        for further in range(number + 1, len(lines)):
            text = lines[further]
            if text.strip() and len(text) - len(text.lstrip()) <= indent and not text.lstrip().startswith((")", "#")):
                break
            last = further if text.strip() else last
        found.append((number + 1, last - number + 1))
    return found


def main() -> int:
    wrong = []
    for path in tracked():
        lines = path.read_text().splitlines()
        if len(lines) > most_lines(path):
            wrong.append(f"{path}: {len(lines)} lines: expected at most {most_lines(path)}")
        for first, length in functions(lines) if path.suffix != ".c" else ():
            if length > MOST_FUNCTION:
                wrong.append(f"{path}:{first}: a function of {length} lines: expected at most {MOST_FUNCTION}")
    print("\n".join(wrong) or "no file or function is too long")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
