"""Call `zswapsim plan`, with its text, JSON and picture."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from cli_helpers import SMALL, as_json, refused_here, zswapsim

from zswapsim.report.plan import plan_text
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.plan import plan
from zswapsim.study.profile import make_profile
from zswapsim.traces import read_contents

QUICK = ("--contents", "recipe:mix,pages=300", "--compressor", "zstd", "--compressor", "lz4", "--access-ns", "20000")


@pytest.fixture(scope="module")
def made() -> Plan:
    return plan(SMALL, "recipe:mix,pages=300", ["save>15%"], compressors=["zstd", "lz4"], access_ns=2e4, prices=(4, 2))


def test_text_json_and_picture_in_one_run(tmp_path):
    files = tmp_path / "plan.json", tmp_path / "plan.svg"
    done = zswapsim("plan", SMALL, *QUICK, "--dram", "50%", "--dram", "25%", "--json", files[0], "--picture", files[1])
    assert (done.returncode, done.stderr) == (0, "")
    for title in ("whatever the compressor", "zstd\n", "lz4\n", "run at bytes depth", "of 0.2 %/min", "difference"):
        assert title in done.stdout
    document = json.loads(files[0].read_text())
    assert document["rows"] == [198, 99]
    assert document["kept"] is True
    words = [text.text or "" for text in ET.parse(files[1]).iter("{http://www.w3.org/2000/svg}text")]
    assert {"zstd", "lz4", "Pareto front", "point of diminishing return"} <= set(words)
    assert any(word.startswith("recommended, as run: ") for word in words)


def test_a_profile_instead_of_pages(tmp_path):
    profile = tmp_path / "mix.parquet"
    make_profile(read_contents("recipe:mix,pages=300"), ["lz4"], profile)
    done = zswapsim("plan", SMALL, "--profile", profile, "--access-ns", "20000", "--json", tmp_path / "plan.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "run at sizes depth, as a profile holds no bytes: " in done.stdout
    assert "as it was stored" not in done.stdout
    document = json.loads((tmp_path / "plan.json").read_text())
    assert {point["compressor"] for point in document["points"]} == {"lz4"}
    assert (document["kept"], document["depth"], document["recommended"]["verified_pages"]) == (True, "sizes", 0)


def test_json_alone():
    document = as_json("plan", SMALL, *QUICK, "--objective", "save>99%")
    assert document["kept"] is False
    assert document["pace"]["source"] == "asked"


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal(made, width):
    text = plan_text(made, width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_colour_adds_nothing_but_colour(made):
    plain, coloured = plan_text(made), plan_text(made, colour=True)
    assert "\x1b[" in coloured
    for code in ("\x1b[1;32m", "\x1b[1m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


def test_every_row_and_mark_is_in_the_text(made):
    lines = plan_text(made).splitlines()
    rows = [line.split()[1].strip(",") for line in lines if line[:1] == " " and len(line.split()) > 8]
    assert (rows.count("take"), rows.count("knee")) == (1, len(made.knees))
    words = " ".join(lines[-9:])
    assert made.recommended.run.compressor in words
    assert "save>15% is kept" in words


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--objective", "speed"), "--objective speed: expected slowdown<5%"),
        (("--objective", "cost"), "--price-dram"),
        (("--price-dram", "4"), "expected both or neither"),
        (("--picture", "plan.gif"), "--picture plan.gif"),
        (("--contents", "none"), "--contents none"),
        (("--access-ns", "-3"), "--access-ns -3"),
        (("--cost", "tape"), "--cost tape"),
        (("--profile", "none.parquet"), "none.parquet"),
        (("--dram", "0"), "--dram 0"),
    ],
)
def test_wrong_use(capfd, arguments: tuple[str, ...], expected: str):
    assert expected in refused_here(capfd, "plan", SMALL, *arguments)


def test_the_same_picture_every_time(made, tmp_path: Path):
    from zswapsim.report.plan_picture import draw_plan

    for name in ("a.svg", "b.svg"):
        draw_plan(made, str(tmp_path / name))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
