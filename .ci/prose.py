"""Print docstrings and comments drawn at random, to be read aloud: ``python .ci/prose.py [SEED [COUNT]]``.

The seed is printed with the texts, so that a draw can be repeated. Texts that are not prose are left out: licence
lines, section rules, marks for a tool, strings that are data, and texts of fewer than three words.
"""

import ast
import io
import random
import re
import sys
import tokenize
from pathlib import Path

ROOMS = ("zswapsim", "cext", "bench", "tests", "docs/examples", ".ci", "setup.py")
CYTHON_COMMENT = re.compile(r"(?:^|(?<=\s\s))#\s?(.*)$")
C_COMMENT = re.compile(r"/\*(.*?)\*/", re.DOTALL)
C_MARGIN = re.compile(r"^ *\* ?", re.MULTILINE)
DOCSTRING = re.compile(r'^ *"""(.*?)"""', re.DOTALL | re.MULTILINE)

NOT_PROSE = re.compile(
    r"\s*(SPDX-License-Identifier:|Copyright\b|!"  # a licence line, the line that names an interpreter
    r"|[-=*~]{2,}"  # a section rule
    r"|noqa\b|(type|fmt|pragma|mypy|ruff|cython|distutils)\s*:)"  # a mark for a tool
)
WORD = re.compile(r"(?<![\w.])[^\W\d_]+(?:['-][^\W\d_]+)*(?![\w(])")
FEWEST_WORDS = 3


def files() -> list[Path]:
    found = [path for room in ROOMS for path in ([Path(room)] if Path(room).is_file() else Path(room).rglob("*"))]
    return sorted(
        path for path in found if path.suffix in {".py", ".pyx", ".pxd", ".c", ".h"} and not path.is_symlink()
    )


def is_prose(text: str) -> bool:
    return not NOT_PROSE.match(text) and len(WORD.findall(text)) >= FEWEST_WORDS


def comments_of(text: str) -> list[tuple[int, str]]:
    """Return the comments of a Python or Cython file; those on consecutive lines are one."""
    found: list[tuple[int, str]] = []
    last = -1
    for number, line in enumerate(DOCSTRING.sub(lambda match: "\n" * match[0].count("\n"), text).splitlines(), 1):
        match = CYTHON_COMMENT.search(line)
        if not match or not match[1].strip() or NOT_PROSE.match(match[1]):
            continue
        alone = line.lstrip().startswith("#")
        if alone and last == number - 1 and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {match[1].strip()}")
        else:
            found.append((number, match[1].strip()))
        last = number if alone else -1
    return found


def python_comments(text: str) -> list[tuple[int, str]]:
    """Return the comments of a Python file; the tokenizer distinguishes them from strings."""
    lines = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    return [(number, comment) for number, comment in comments_of(text) if number in lines]


def python_docstrings(text: str) -> list[tuple[int, str]]:
    """Return the strings of a Python file that stand as statements; other long strings are data."""
    return [
        (node.lineno, node.value.value)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    ]


def matches(pattern: re.Pattern[str], text: str) -> list[tuple[int, str]]:
    return [(text.count("\n", 0, match.start(1)) + 1, match[1]) for match in pattern.finditer(text)]


def texts_of(path: Path) -> list[str]:
    text = path.read_text()
    if path.suffix == ".py":
        found = python_docstrings(text) + python_comments(text)
    elif path.suffix in {".c", ".h"}:
        found = matches(C_COMMENT, text)
    else:
        found = matches(DOCSTRING, text) + comments_of(text)
    prose = [(number, " ".join(C_MARGIN.sub(" ", part).split())) for number, part in sorted(found)]
    return [f"{path}:{number}: {part}" for number, part in prose if is_prose(part)]


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else random.SystemRandom().randrange(1 << 32)
    count = int(arguments[1]) if len(arguments) > 1 else 40
    texts = [text for path in files() for text in texts_of(path)]
    print(f"seed {seed}: {count} of {len(texts)} docstrings and comments\n")
    print("\n\n".join(random.Random(seed).sample(texts, count)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
