"""Call `zswapsim curve`, with its text, JSON and picture."""

import json
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from cli_helpers import SMALL, as_json, refused_here, zswapsim

from zswapsim import Settings, run
from zswapsim.cli import main
from zswapsim.report.curve import curves_text
from zswapsim.report.curve_picture import draw_curves
from zswapsim.study.curve.curves import curves
from zswapsim.traces import ArrayTrace, read_trace


@pytest.fixture(scope="module")
def processes():
    draw = np.random.default_rng(5)
    process = draw.integers(0, 45, 9000).astype(np.uint32)
    return ArrayTrace(draw.integers(0, 30, 9000).astype(np.uint64), process=process, name="many processes")


def test_text_json_and_picture_in_one_run(tmp_path):
    files = tmp_path / "curve.json", tmp_path / "curve.svg"
    done = zswapsim("curve", SMALL, "--window", "2500", "--points", "4", "--json", files[0], "--picture", files[1])
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(files[0].read_text())
    whole, windows = document["whole"], document["windows"]
    assert len(windows) == 3
    for name in ("major_faults", "swap_outs", "dirty_swap_outs"):
        assert np.sum([window[name] for window in windows], axis=0).tolist() == whole[name]
    for frames, faults in zip(whole["frames"], whole["major_faults"], strict=True):
        counters = run(SMALL, None, Settings(dram=frames * 4096)).counters
        assert faults == counters["major_faults"]
        assert f"{faults:,}" in done.stdout
    assert "windows of 2,500 accesses" in done.stdout
    words = [text.text or "" for text in ET.parse(files[1]).iter("{http://www.w3.org/2000/svg}text")]
    assert {"miss ratio", "first window", "DRAM, % of the footprint"} <= set(words)


def test_json_alone_with_another_reclaimer():
    document = as_json("curve", SMALL, "--reclaim", "sieve", "--points", "3")
    assert document["whole"]["method"] == "mini:sieve:rate=1"
    assert document["windows"] == []


def test_a_sample_says_how_far_off_it_may_be():
    found = curves("gen:zipf,pages=40000,events=1e5", sampled_pages=5000, points=5)
    assert found.whole.error == max(found.whole.errors) > 0
    text = curves_text(found)
    assert "+-" in text
    assert f"{found.whole.errors[0]:.4f}" in text
    assert "% of the pages" in text.splitlines()[0]
    assert "Estimates" in curves_text(curves("gen:zipf,pages=40000,events=1e5", "fifo", sampled_pages=5000, points=2))


def test_many_processes_are_cut_in_the_table_alone(processes, tmp_path):
    found = curves(processes, by_process=True, points=4)
    assert len(found.processes) == 45
    text = curves_text(found)
    assert text.count("and 5 more") == 2
    for point, faults in enumerate(found.whole.major_faults):
        assert sum(each.major_faults[point] for each in found.shared.values()) == faults
        assert sum(each.swap_outs[point] for each in found.shared.values()) == found.whole.swap_outs[point]
    assert "25%" in text
    assert sum(each.first_accesses for each in found.processes.values()) == found.whole.pages
    assert b'"44"' in found.to_json()
    draw_curves(found, str(tmp_path / "a.svg"))
    words = [text.text or "" for text in ET.parse(tmp_path / "a.svg").iter("{http://www.w3.org/2000/svg}text")]
    assert sum(word.startswith("process ") for word in words) == 12


@pytest.mark.parametrize("width", [60, 100])
def test_tables_fit_the_terminal(width):
    tables = [line for line in curves_text(curves(SMALL, window=3000), width).splitlines() if line.startswith("---")]
    assert max(map(len, tables)) <= width


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--points", "0"), "--points 0: expected 1 to"),
        (("--rate", "0"), "--rate 0.0: expected a share"),
        (("--rate", "0.1", "--sampled-pages", "9"), "expected one of them"),
        (("--sampled-pages", "0"), "--sampled-pages 0: expected at least 1"),
        (("--reclaim", "arc"), "--reclaim arc: expected one of"),
        (("--reclaim", "clock", "--by-process"), "tells no process apart"),
        (("--by-process",), "expected a trace that names processes"),
        (("--by-process", "--rate", "0.5"), "not of a sample"),
        (("--window", "-1"), "--window -1"),
        (("--picture", "x.gif"), "--picture x.gif: expected a file that ends in"),
    ],
)
def test_refuses_what_was_asked_wrongly(capfd, arguments, expected):
    assert expected in refused_here(capfd, "curve", SMALL, *arguments)


def test_ctrl_c_prints_the_curve_so_far(capfd, monkeypatch):
    trace, stop, scanned = read_trace("gen:zipf,pages=3000,events=4e5"), 200_000, []

    def interrupt(done, _all):
        if done >= stop and scanned:
            raise KeyboardInterrupt
        if done >= 400_000:
            scanned.append(done)

    found = curves(trace, progress=interrupt)
    assert stop <= found.whole.accesses < 400_000
    monkeypatch.setattr("zswapsim.study.curve.curves.curves", lambda *_given, **_options: found)
    assert main(["curve", SMALL]) == 130
    out, err = capfd.readouterr()
    assert "interrupted: the curve of the accesses so far" in out
    assert err == "zswapsim: interrupted\n"
