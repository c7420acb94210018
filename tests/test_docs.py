"""The examples of the documentation, run as they stand."""

import doctest
from pathlib import Path

import pytest

import zswapsim

DOCS = Path(__file__).parents[1] / "docs"


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
