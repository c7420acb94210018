"""Check that the files and pages that the documentation names exist."""

import re
from pathlib import Path

import pytest
from tree import TREE

ROOT = TREE
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md"))]
PAGES.append(ROOT / "bench" / "README.md")
BASES = (ROOT, ROOT / "zswapsim", ROOT / "zswapsim" / "_core")
"""The folders that a path in the documentation may be relative to."""
MADE = {"build", "dist"}
"""Folders that a build makes."""
SUFFIXES = ("", ".py", ".pyx", ".pxd", ".h", ".c")
FENCED = re.compile(r"^```.*?^```|^    .*?$", re.DOTALL | re.MULTILINE)
NAMED = re.compile(r"`((?:\.ci|\w[\w.]*)/[\w./-]*)`")
LINKED = re.compile(r"\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """Return a page without its blocks of code and output."""
    return FENCED.sub("", page.read_text())


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def starts_in_the_tree(path: str) -> bool:
    """Return True if the first part of a path is a folder of the project: `mm/zswap.c` is the kernel's."""
    first = path.partition("/")[0]
    return first not in MADE and any((base / first).is_dir() for base in BASES)


def exists(path: str) -> bool:
    return any((base / f"{path}{suffix}").exists() for base in BASES for suffix in SUFFIXES)


def anchor_of(heading: str) -> str:
    """Return the anchor that GitHub gives to a heading."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading.lower()).replace("`", "")
    return re.sub(r"[^\w\- ]", "", text).strip().replace(" ", "-")


def anchors_of(page: Path) -> set[str]:
    return {anchor_of(line.lstrip("#")) for line in prose(page).splitlines() if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_named_exists(page: Path) -> None:
    named = {path for path in NAMED.findall(prose(page)) if starts_in_the_tree(path)}
    assert not sorted(path for path in named if not exists(path))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in LINKED.findall(prose(page)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_design_lists_its_pages() -> None:
    design = ROOT / "docs" / "design"
    listed = set(LINKED.findall((design / "README.md").read_text()))
    assert {page.name for page in design.glob("*.md")} - {"README.md"} <= listed
