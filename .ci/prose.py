"""Print docstrings and comments drawn at random, to be read aloud: ``python .ci/prose.py [SEED [COUNT]]``.

The seed is printed with the texts, so that a draw can be repeated.
"""

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
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)


def files() -> list[Path]:
    found = [path for room in ROOMS for path in ([Path(room)] if Path(room).is_file() else Path(room).rglob("*"))]
    return sorted(path for path in found if path.suffix in {".py", ".pyx", ".pxd", ".c", ".h"})


def comments_of(text: str) -> list[tuple[int, str]]:
    """Return the comments of a Python or Cython file; those on lines in a row are one."""
    found: list[tuple[int, str]] = []
    last = -1
    for number, line in enumerate(DOCSTRING.sub(lambda match: "\n" * match[0].count("\n"), text).splitlines(), 1):
        match = CYTHON_COMMENT.search(line)
        if not match or not match[1].strip():
            continue
        alone = line.lstrip().startswith("#")
        if alone and last == number - 1 and found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {match[1].strip()}")
        else:
            found.append((number, match[1].strip()))
        last = number if alone else -1
    return found


def python_comments(text: str) -> list[tuple[int, str]]:
    """Return the comments of a Python file, told from strings by the tokenizer."""
    lines = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    }
    return [(number, comment) for number, comment in comments_of(text) if number in lines]


def texts_of(path: Path) -> list[str]:
    text = path.read_text()
    if path.suffix in {".c", ".h"}:
        found = [(text.count("\n", 0, match.start()) + 1, match[1]) for match in C_COMMENT.finditer(text)]
    else:
        found = [(text.count("\n", 0, match.start()) + 1, match[1]) for match in DOCSTRING.finditer(text)]
        found += python_comments(text) if path.suffix == ".py" else comments_of(text)
    return [f"{path}:{number}: {' '.join(C_MARGIN.sub(' ', part).split())}" for number, part in found]


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else random.SystemRandom().randrange(1 << 32)
    count = int(arguments[1]) if len(arguments) > 1 else 40
    texts = [text for path in files() for text in texts_of(path)]
    print(f"seed {seed}: {count} of {len(texts)} docstrings and comments\n")
    print("\n\n".join(random.Random(seed).sample(texts, count)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
