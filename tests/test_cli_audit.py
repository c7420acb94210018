"""Call `zswapsim audit` as a user does."""

import os
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cli_helpers import PLAIN, as_json, refused, refused_here, zswapsim
from tree import TREE

from zswapsim.machine.audit.callers import CALLERS
from zswapsim.machine.audit.surfaces import PROBES
from zswapsim.machine.isolation import RULES


def test_the_matrix_and_what_it_comes_to() -> None:
    done = zswapsim("audit")
    assert done.returncode == 0, done.stderr
    assert "kernel caller" in done.stdout
    assert "LEAKED C,D" in done.stdout
    assert "for_each_node 346" in done.stdout
    assert "fallback-lists: thread on RFC v4, 2026-06-03" in done.stdout


def test_json_is_a_list_of_cells() -> None:
    found = as_json("audit")
    assert len(found) == len(RULES) * (len(CALLERS) + len(PROBES))
    assert set(found[0]) == {"isolation", "caller", "surface", "outcome", "node", "errno", "frames", "rests_on"}


def test_one_rule_and_another_interface() -> None:
    found = as_json("audit", "--isolation", "private-flag", "--interface", "none")
    assert {cell["isolation"] for cell in found} == {"private-flag"}
    assert not any(cell["outcome"] == "revealed" for cell in found)


def test_explain() -> None:
    done = zswapsim("audit", "--explain", "slab", "--isolation", "fallback-lists")
    assert "prefers C, GFP_NOWAIT|__GFP_THISNODE, walks ZONELIST_NOFALLBACK of C" in done.stdout
    assert "1 frame on C" in done.stdout


@pytest.mark.parametrize("form", ["svg", "png"])
def test_pictures(tmp_path: Path, form: str) -> None:
    first, second = tmp_path / f"a.{form}", tmp_path / f"b.{form}"
    assert zswapsim("audit", "-q", "--picture", str(first)).stdout == ""
    zswapsim("audit", "-q", "--picture", str(second))
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes().startswith(b"\x89PNG" if form == "png" else b"<?xml")
    if form == "svg":
        assert "LEAKED C,D" in first.read_text()


def words(picture: Path) -> list[str]:
    """Return every text of an SVG, in order."""
    return [text.text or "" for text in ElementTree.parse(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_the_picture_in_the_docs_is_the_matrix_of_today(tmp_path: Path) -> None:
    drawn = tmp_path / "audit.svg"
    zswapsim("audit", "-q", "--picture", drawn)
    assert words(drawn) == words(TREE / "docs" / "audit.svg")
    assert len(words(drawn)) > len(RULES) * (len(CALLERS) + len(PROBES))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--explain", "nobody"), "caller nobody: expected one of swap backend"),
        (("--isolation", "hope"), "isolation hope: expected one of none, this-node"),
        (("--interface", "v9"), "interface v9: expected one of none, v4"),
        (("--picture", "matrix.gif"), "--picture matrix.gif: expected a file that ends in .svg or .png"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(
    arguments: tuple[str, ...], message: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert message in refused_here(capfd, "audit", *arguments)


def test_a_picture_that_can_not_be_written(tmp_path: Path) -> None:
    assert "is not a folder" in refused("audit", "--picture", tmp_path / "no" / "matrix.svg", code=1, folder=tmp_path)


def test_without_the_library_the_extra_is_named(tmp_path: Path) -> None:
    """A module of that name that can't be imported stands for a missing one."""
    (tmp_path / "matplotlib.py").write_text("raise ImportError")
    env = PLAIN | {"PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    told = refused("audit", "--picture", tmp_path / "matrix.svg", env=env)
    assert "pip install 'zswapsim[pictures]'" in told
