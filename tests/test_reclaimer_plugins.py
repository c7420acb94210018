"""Test third parties' reclaimers: the worked examples of the documentation, and ones that break the interface."""

import gc
import os
import sys

import numpy as np
import pytest
from cli_helpers import as_json, refused
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_helpers import EXAMPLES, PLUGINS, install

from zswapsim import InputError, PluginError, Settings, compare, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.plugin import PluginReclaimer
from zswapsim._core.reclaim.python_plugin import table_of_class
from zswapsim.reclaimers import available
from zswapsim.reclaimers.names import RECLAIMERS
from zswapsim.reclaimers.registry import open_reclaimer
from zswapsim.study.curve.curves import curves
from zswapsim.study.settings.cost import PRESETS

COST = PRESETS["cxl-nvme"]
PYTHON, CAPSULE = "second-chance", "second-chance-c"


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """Return the folders into which both examples were installed."""
    return [
        install(EXAMPLES / name, tmp_path_factory.mktemp(name)) for name in ("reclaimer-python", "reclaimer-capsule")
    ]


@pytest.fixture
def examples(installed, monkeypatch):
    for folder in installed:
        monkeypatch.syspath_prepend(folder)


@pytest.fixture
def rogues(monkeypatch):
    monkeypatch.syspath_prepend(PLUGINS / "rogue_python")
    import rogue_reclaimers

    yield rogue_reclaimers
    sys.modules.pop("rogue_reclaimers", None)


def with_path(*folders):
    """Return the environment of a process that also finds the plug-ins in `folders`."""
    path = os.pathsep.join([*map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"env": {**os.environ, "PYTHONPATH": path}}


def feed(engine, pages):
    return engine.feed(np.array(pages, np.uint32), np.zeros(len(pages), np.uint8))


# ---- the worked examples -----------------------------------------------------------------------------------------


def test_the_examples_are_short():
    python = EXAMPLES / "reclaimer-python" / "zswapsim_second_chance.py"
    cython = EXAMPLES / "reclaimer-capsule" / "zswapsim_second_chance_c.pyx"
    assert len(python.read_text().splitlines()) <= 40
    assert len(cython.read_text().splitlines()) <= 80


@pytest.mark.slow
@pytest.mark.parametrize("name", [PYTHON, CAPSULE])
@pytest.mark.parametrize(
    "asked",
    [
        {"dram": "10%"},
        {"dram": "60%", "reclaim_batch": 32},
        {"dram": "30%", "backend": "disk", "readahead": "cluster"},
        {"dram": "30%", "backend": "disk", "swap": "50%"},
        {"dram": "30%", "backend": "zswap:max_pool_percent=15", "exclusive_loads": False},
        {"dram": "30%", "folio": "16KiB"},
    ],
    ids=str,
)
def test_an_example_counts_what_clock_counts(examples, name, asked):
    for trace in ("gen:zipf,pages=900,events=20000,alpha=0.8,writes=0.3", "gen:phases,pages=900,events=20000"):
        ours = run(trace, None, Settings(reclaim=name, **asked))
        clock = run(trace, None, Settings(reclaim="clock", **asked))
        assert (ours.counters, ours.outcome) == (clock.counters, clock.outcome)
        assert ours.settings["reclaim"] == name


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pages=st.lists(st.integers(0, 11), min_size=1, max_size=120),
    frames=st.integers(1, 12),
    batch=st.integers(1, 5),
    device=st.one_of(st.none(), st.integers(0, 14)),
)
def test_an_example_is_clock_on_any_trace(examples, pages, frames, batch, device):
    found = []
    for name in ("clock", PYTHON, CAPSULE):
        backend = CountingBackend(COST) if device is None else DiskBackend(COST, SwapDevice(device))
        engine = Replay(12, frames, backend, batch=min(batch, frames), reclaimer=open_reclaimer(name))
        fed = feed(engine, pages)
        engine.check()
        found.append((fed, engine.out_of_memory, engine.counters_now()))
    assert found[0] == found[1] == found[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", [PYTHON, CAPSULE])
def test_an_example_at_bytes_depth(examples, name):
    asked = {"dram": "30%", "node": "10%", "depth": "bytes"}
    trace, contents = "gen:zipf,pages=300,events=4000,alpha=0.8,writes=0.3", "recipe:mix,pages=100"
    ours = run(trace, contents, Settings(reclaim=name, **asked))
    assert ours.counters == run(trace, contents, Settings(reclaim="clock", **asked)).counters
    assert ours.verified_pages > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", [PYTHON, CAPSULE])
def test_an_example_serves_curves_and_comparisons(examples, name):
    trace = "gen:zipf,pages=500,events=9000,alpha=0.8"
    ours, clock = (curves(trace, reclaim, points=5).whole for reclaim in (name, "clock"))
    assert ours.major_faults == clock.major_faults
    asked = [Settings(dram="20%", reclaim=each, depth="counts") for each in (name, "clock")]
    mine, theirs = compare(trace, None, asked, processes=1)
    assert mine.counters == theirs.counters


@pytest.mark.slow
def test_the_command_line_takes_a_plug_in(installed):
    environment = with_path(*installed)
    options = ("bundled:sort", "--dram", "20%", "--quiet", "--json", "-")
    ours, clock = (as_json("run", *options, "--reclaim", name, **environment) for name in (CAPSULE, "clock"))
    assert ours["counters"] == clock["counters"]
    plan = as_json("plan", "bundled:sort", "--reclaim", CAPSULE, "--json", "-", "--quiet", **environment)
    assert plan["reclaim"] == CAPSULE
    line = refused("run", "bundled:sort", "--reclaim", "second", **environment)
    assert line.strip().endswith(f"opt, {PYTHON}, {CAPSULE}")


@pytest.mark.slow
def test_the_list_tells_where_a_plug_in_comes_from(examples):
    infos = {info.name: info for info in available()}
    assert [name for name in infos if infos[name].origin == "built in"] == [*RECLAIMERS]
    assert (infos[PYTHON].origin, infos[PYTHON].missing) == ("zswapsim-second-chance 1.0", "")
    assert (infos[CAPSULE].origin, infos[CAPSULE].missing) == ("zswapsim-second-chance-c 1.0", "")


# ---- Python reclaimers that break the interface ------------------------------------------------------------------


def replay_of(factory, *, full=False, batch=1):
    """Open a replay of six pages in three frames; if `full`, on a device that stores no page."""
    backend = DiskBackend(COST, SwapDevice(0)) if full else CountingBackend(COST)
    table = table_of_class("rogue", factory, "plug-in")
    return Replay(6, 3, backend, batch=batch, reclaimer=PluginReclaimer(table, {}))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("EvictsWildly", r"evict\(page 1073741824\): the page is not in DRAM"),
        ("EvictsWhatComes", r"evict\(page 3\): the page is not in DRAM"),
        ("EvictsTwice", r"evict\(page 0\): the page is not in DRAM"),
        ("EvictsNone", "reclaim evicted no page, and tried none"),
        ("EvictsNegative", "reclaim raised InputError: page -1: expected 0 to "),
        ("EvictsText", "reclaim raised InputError: page page: expected a whole number"),
        ("EvictsWhenItMayNot", r"evict\(page 0\) outside of reclaim"),
        ("AsksForAbsent", r"accessed\(page 3\): the page is not in DRAM"),
        ("HidesItsMistake", r"evict\(page 3\): the page is not in DRAM"),
        ("RaisesInInsert", "insert raised ZeroDivisionError: in insert"),
        ("RaisesInReclaim", "reclaim raised KeyError: 'reclaim'"),
        ("CannotTell", "reclaim raised Mute$"),
    ],
)
def test_a_python_reclaimer_that_breaks_a_promise(rogues, name, message):
    engine = replay_of(getattr(rogues, name))
    with pytest.raises(PluginError, match=f"page [0-3], access [0-3]: reclaimer rogue: {message}") as caught:
        feed(engine, [0, 1, 2, 3, 4, 5, 0, 1])
    assert "\n" not in str(caught.value)
    assert feed(engine, [0, 1]) == 0


def test_a_python_reclaimer_that_never_gives_up_is_ended(rogues):
    with pytest.raises(PluginError, match=r"reclaimer rogue: reclaim tried [0-9]+ times to evict pages that must stay"):
        feed(replay_of(rogues.NeverGivesUp, full=True), [0, 1, 2, 3])


def test_the_cause_of_a_plug_in_error_is_kept(rogues):
    with pytest.raises(PluginError) as caught:
        feed(replay_of(rogues.RaisesInReclaim), [0, 1, 2, 3])
    assert isinstance(caught.value.__cause__, KeyError)


def test_an_interrupt_inside_a_python_reclaimer_stays_an_interrupt(rogues):
    with pytest.raises(KeyboardInterrupt):
        feed(replay_of(rogues.Interrupted), [0, 1, 2, 3])


def test_a_python_reclaimer_can_check_itself(rogues):
    engine = replay_of(rogues.FindsItselfWrong)
    feed(engine, [0, 1, 2, 3])
    with pytest.raises(PluginError, match="check raised AssertionError: lists"):
        engine.check()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("FailsToStart", "reclaimer rogue: making it raised OSError: no licence file"),
        ("HalfDone", "reclaimer rogue: making it raised AttributeError: .*'reclaim'"),
        ("AsksTooEarly", r"reclaimer rogue: accessed\(page 0\) outside of insert and reclaim"),
    ],
)
def test_a_python_reclaimer_that_cannot_be_made(rogues, name, message):
    with pytest.raises(PluginError, match=message):
        replay_of(getattr(rogues, name))


def replay_and_its_host(rogues):
    """Open a replay, and return it with the host that its reclaimer was given."""
    kept = []

    class Keeps(rogues.Honest):
        def __init__(self, host):
            super().__init__(host)
            kept.append(host)

    return replay_of(Keeps), kept[0]


def test_a_host_that_is_kept_can_do_nothing(rogues):
    engine, host = replay_and_its_host(rogues)
    feed(engine, [0, 1, 2, 3])
    assert (host.pages, host.frames, host.clock) == (6, 3, 3)
    del engine
    gc.collect()
    for ask in (host.accessed, host.test_and_clear_accessed, host.evict):
        with pytest.raises(PluginError, match="its replay is gone"):
            ask(1)


def test_asking_from_outside_ends_the_replay(rogues):
    engine, host = replay_and_its_host(rogues)
    feed(engine, [0, 1])
    with pytest.raises(PluginError, match=r"evict\(page 1\) outside of reclaim"):
        host.evict(1)
    with pytest.raises(PluginError, match=r"evict\(page 1\) outside of reclaim"):
        feed(engine, [2, 3])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hits", "max_hits is 2: expected 0, 1 or 3"),
        ("batch", "batch is 0: expected 1 to 1048576"),
        ("parameters", "`parameters` must map a name to"),
        ("number", "expected a capsule named zswapsim.reclaimer.v1"),
        ("absent", "AttributeError: module 'rogue_reclaimers' has no attribute 'NoSuchName'"),
        ("import", "ModuleNotFoundError: No module named 'rogue_no_such_module'"),
    ],
)
def test_a_plug_in_that_cannot_be_loaded_gives_one_line(rogues, name, message):
    with pytest.raises(PluginError, match=f"reclaimer plug-in rogue-{name} .*{message}") as caught:
        Settings(reclaim=f"rogue-{name}")
    assert "\n" not in str(caught.value)
    assert message in next(info for info in available() if info.name == f"rogue-{name}").missing


def test_a_built_in_name_cannot_be_taken(rogues):
    both = [info for info in available() if info.name == "clock"]
    assert both[0].missing == ""
    assert both[1].missing == "reclaimer plug-in clock: the name belongs to a built-in reclaimer"
    assert run("bundled:sort", None, Settings(dram="20%", reclaim="clock")).outcome == "completed"


def test_an_unknown_reclaimer_lists_plug_ins_without_loading_them(monkeypatch):
    monkeypatch.syspath_prepend(PLUGINS / "rogue_python")
    with pytest.raises(InputError, match=r"--reclaim arc: expected one of lru, .*opt, .*rogue-wild"):
        Settings(reclaim="arc")
    assert "rogue_reclaimers" not in sys.modules


def test_a_mistake_in_a_run_is_one_line():
    environment = with_path(PLUGINS / "rogue_python")
    for name in ("wild", "init", "import"):
        line = refused("run", "bundled:sort", "--reclaim", f"rogue-{name}", code=1, **environment)
        assert f"rogue-{name}" in line


def test_parameters_and_batch_are_the_plug_ins_own(rogues, monkeypatch):
    seen = []

    class Takes(rogues.Honest):
        parameters = {"depth": (-2, 9, 3, "how deep")}
        batch = 7

        def __init__(self, host, depth):
            super().__init__(host)
            seen.append(depth)

    monkeypatch.setattr(rogues, "EvictsWildly", Takes)
    assert Settings(reclaim="rogue-wild").batch == 7
    for spec, depth in (("rogue-wild", 3), ("rogue-wild:depth=-2", -2)):
        run("bundled:sort", None, Settings(dram="20%", reclaim=spec))
        assert seen.pop() == depth
    with pytest.raises(InputError, match="depth: expected a whole number from -2 to 9, got '10'"):
        Settings(reclaim="rogue-wild:depth=10")
    with pytest.raises(InputError, match="rogue-wild has no parameter 'width', only depth"):
        Settings(reclaim="rogue-wild:width=1")
