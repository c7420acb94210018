"""Run the examples of the documentation as they are."""

import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tree import TREE

import zswapsim

DOCS = TREE / "docs"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_examples(page: Path) -> None:
    failed, _ = doctest.testfile(str(page), module_relative=False)
    assert not failed


def test_the_python_page_has_examples() -> None:
    _, tried = doctest.testfile(str(DOCS / "python.md"), module_relative=False)
    assert tried > 15


def test_the_package_s_own_example() -> None:
    failed, tried = doctest.testmod(zswapsim)
    assert tried >= 3
    assert not failed


def commands(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a page, ``$ COMMAND`` in a block, and the lines that follow it there."""
    lines = page.read_text().splitlines()
    for place, line in enumerate(lines):
        if line.startswith("    $ "):
            block = []
            for following in lines[place + 1 :]:
                if following and not following.startswith("    "):
                    break
                block.append(following.removeprefix("    "))
            yield line.removeprefix("    $ "), "\n".join(block).rstrip().splitlines()


SHOWN = [shown for page in ("private-nodes.md", "cram.md") for shown in commands(DOCS / page)]


@pytest.mark.parametrize(("command", "printed"), SHOWN, ids=[command for command, _ in SHOWN])
def test_commands_print_what_the_page_shows(command: str, printed: list[str]) -> None:
    python = command.replace("zswapsim ", "python -m zswapsim ", 1) if command.startswith("zswapsim") else command
    whole = python.replace("python ", f"{sys.executable} ", 1)
    # Run the package under test, which may be an installed one; python -m would look in the working directory first.
    env = os.environ | {"PYTHONPATH": str(Path(zswapsim.__file__).parents[1]), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(whole, shell=True, cwd=TREE, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.rstrip("\n").splitlines() == printed


def test_the_page_has_commands() -> None:
    assert len(SHOWN) > 6
