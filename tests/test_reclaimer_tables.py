"""Test C tables of third parties' reclaimers: one that is right, and ones that break the interface."""

import ctypes

import numpy as np
import pytest

from tests.c_tables import Param
from zswapsim import HostMemoryError, InputError, PluginError
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.reclaim.plugin import PluginReclaimer
from zswapsim._core.reclaim.plugin_table import table_of_capsule
from zswapsim._core.reclaim.python_plugin import table_of_class
from zswapsim.study.settings.cost import PRESETS

COST = PRESETS["cxl-nvme"]
U32, P = ctypes.c_uint32, ctypes.c_void_p
CREATE = ctypes.CFUNCTYPE(ctypes.c_int, P, P, ctypes.POINTER(P))
DESTROY = ctypes.CFUNCTYPE(None, P)
INSERT = ctypes.CFUNCTYPE(ctypes.c_int, P, U32, ctypes.c_int)
RECLAIM = ctypes.CFUNCTYPE(ctypes.c_int, P, U32, U32)
CHECK = ctypes.CFUNCTYPE(ctypes.c_int, P)
CAPSULE_NAME = b"zswapsim.reclaimer.v1"
NOMEM, FULL, RANGE, PLUGIN = -1, -2, -6, -7


def feed(engine, pages):
    return engine.feed(np.array(pages, np.uint32), np.zeros(len(pages), np.uint8))


class Host(ctypes.Structure):
    _fields_ = [
        ("engine", P),
        ("pages", U32),
        ("frames", U32),
        ("accessed", ctypes.CFUNCTYPE(U32, P, U32)),
        ("test_and_clear_accessed", ctypes.CFUNCTYPE(U32, P, U32)),
        ("evict", ctypes.CFUNCTYPE(ctypes.c_int, P, U32)),
        ("clock", ctypes.CFUNCTYPE(ctypes.c_uint64, P)),
    ]


class Table(ctypes.Structure):
    _fields_ = [
        ("abi", U32),
        ("max_hits", U32),
        ("batch", U32),
        ("reserved", U32),
        ("name", ctypes.c_char_p),
        ("params", ctypes.POINTER(Param)),
        ("create", CREATE),
        ("destroy", DESTROY),
        ("insert", INSERT),
        ("reclaim", RECLAIM),
        ("check", CHECK),
    ]


class Fifo:
    """Make a C table of first in, first out, in which a test replaces parts."""

    def __init__(self, **parts):
        self.host, self.queue, self.destroyed = None, [], 0
        self.params = (Param * 1)()
        functions = {
            "create": CREATE(self.create),
            "destroy": DESTROY(self.destroy),
            "insert": INSERT(lambda _state, page, _refault: self.queue.append(page) or 0),
            "reclaim": RECLAIM(self.reclaim),
        }
        fields = {"abi": 1, "max_hits": 1, "name": b"rogue", "params": self.params, **functions}
        self.table = Table(**(fields | parts))

    def create(self, _values, host, state):
        self.host = Host.from_address(host)
        state[0] = 1
        return 0

    def destroy(self, _state):
        self.destroyed += 1

    def evict(self, page):
        return self.host.evict(self.host.engine, page)

    def reclaim(self, _state, _page, nr_to_reclaim):
        for _ in range(nr_to_reclaim):
            code = self.evict(self.queue.pop(0))
            if code:
                return code
        return 0

    def capsule(self):
        new = ctypes.pythonapi.PyCapsule_New
        new.restype, new.argtypes = ctypes.py_object, [P, ctypes.c_char_p, P]
        return new(ctypes.addressof(self.table), CAPSULE_NAME, None)

    def replay(self, *, full=False):
        backend = DiskBackend(COST, SwapDevice(0)) if full else CountingBackend(COST)
        reclaimer = PluginReclaimer(table_of_capsule(self.capsule(), "plug-in"), {})
        return Replay(6, 3, backend, reclaimer=reclaimer)


def test_a_c_table_serves_a_replay_and_is_given_back():
    fifo = Fifo()
    engine = fifo.replay()
    feed(engine, [0, 1, 2, 3, 0, 1])
    engine.check()
    assert engine.counters_now()["major_faults"] == 2
    assert (fifo.host.pages, fifo.host.frames, fifo.destroyed) == (6, 3, 0)
    del engine
    assert fifo.destroyed == 1


def codes(code, *, asks=()):
    """Make a reclaim function that asks to evict these pages and returns `code`, whatever the result."""

    def reclaim(fifo, _state, _page, _wanted):
        for page in asks:
            fifo.evict(page)
        return code

    return reclaim


@pytest.mark.parametrize(
    ("reclaim", "message"),
    [
        (codes(0), "reclaim evicted no page, and tried none"),
        (codes(FULL), "reclaim evicted no page, and tried none"),
        (codes(FULL, asks=[1]), "reclaim returned -2: expected 0 if it evicted a page, ZSW_E_FULL if each must stay"),
        (codes(5, asks=[1]), "reclaim returned 5: expected 0"),
        (codes(PLUGIN), "reclaim returned -7: expected 0"),
        (codes(-99), "reclaim returned -99: expected 0"),
        (codes(0, asks=[5]), r"evict\(page 5\): the page is not in DRAM"),
        (codes(0, asks=[0xFFFFFFFF]), r"evict\(page 4294967295\): the page is not in DRAM"),
        (codes(0, asks=[1, 1]), r"evict\(page 1\): the page is not in DRAM"),
        (codes(0, asks=[1, 1, 0, 2]), r"evict\(page 1\): the page is not in DRAM"),
    ],
)
def test_a_c_reclaimer_that_breaks_a_promise(reclaim, message):
    fifo = Fifo()
    fifo.table.reclaim = RECLAIM(lambda *asked: reclaim(fifo, *asked))
    with pytest.raises(PluginError, match=f"page 3, access 3: reclaimer rogue: {message}"):
        feed(fifo.replay(), [0, 1, 2, 3])


def test_a_c_reclaimer_that_takes_any_code_for_a_page_that_must_stay_comes_to_an_end():
    fifo = Fifo()

    def reclaim(_state, _page, nr_to_reclaim):
        evicted = 0
        while evicted < nr_to_reclaim:
            page = fifo.queue.pop(0)
            if fifo.evict(page) == 0:
                evicted += 1
            else:
                fifo.queue.append(page)
        return 0

    fifo.table.reclaim = RECLAIM(reclaim)
    with pytest.raises(PluginError, match=r"reclaim tried [0-9]+ times to evict pages that must stay"):
        feed(fifo.replay(full=True), [0, 1, 2, 3])


def test_pages_that_must_stay_are_out_of_memory():
    fifo = Fifo()
    engine = fifo.replay(full=True)
    assert feed(engine, [0, 1, 2, 3]) == 3
    assert engine.out_of_memory


def test_a_c_reclaimer_that_asks_at_the_wrong_time():
    fifo = Fifo()
    engine = fifo.replay()
    feed(engine, [0, 1])
    assert fifo.evict(1) == PLUGIN
    assert fifo.host.accessed(fifo.host.engine, 1) == 0
    with pytest.raises(PluginError, match=r"evict\(page 1\) outside of reclaim"):
        feed(engine, [2, 3])


@pytest.mark.parametrize(("code", "kind"), [(NOMEM, HostMemoryError), (1, PluginError), (FULL, PluginError)])
def test_an_insert_that_fails_ends_the_run(code, kind):
    fifo = Fifo(insert=INSERT(lambda _state, _page, _refault: code))
    with pytest.raises(kind):
        feed(fifo.replay(), [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (NOMEM, HostMemoryError, "reclaimer rogue: the host is out of memory"),
        (RANGE, InputError, "reclaimer rogue: refused these parameters"),
        (3, PluginError, "reclaimer rogue: create returned 3"),
    ],
)
def test_a_create_that_fails(code, kind, message):
    with pytest.raises(kind, match=message):
        Fifo(create=CREATE(lambda _values, _host, _state: code)).replay()


def test_a_check_that_fails():
    engine = Fifo(check=CHECK(lambda _state: -4)).replay()
    feed(engine, [0, 1])
    with pytest.raises(AssertionError, match="check returned -4"):
        engine.check()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"abi": 2}, "version 2 of the reclaimer interface, expected 1"),
        ({"max_hits": 2}, "max_hits is 2"),
        ({"batch": 1 << 30}, "batch is 1073741824"),
        ({"reserved": 1}, "`reserved` is 1"),
        ({"name": None}, "a function or the name is missing"),
        ({"name": b"a:b"}, "'a:b' is no name"),
        ({"insert": INSERT()}, "a function or the name is missing"),
        ({"params": (Param * 1)(Param(b"level", 9, 1, 5, b""))}, "parameter level: initial value 5 outside 9 … 1"),
    ],
)
def test_a_wrong_c_table_is_refused(parts, message):
    if "params" in parts:
        parts = {"params": (Param * 2)(parts["params"][0], Param())}
    with pytest.raises(PluginError, match=f"plug-in: .*{message}"):
        table_of_capsule(Fifo(**parts).capsule(), "plug-in")


def test_what_is_no_capsule_is_refused():
    with pytest.raises(PluginError, match=r"expected a capsule named zswapsim\.reclaimer\.v1"):
        table_of_capsule(object(), "plug-in")
    with pytest.raises(PluginError, match="expected a class or a capsule, got int"):
        table_of_class("rogue", 5, "plug-in")
