"""Test the compressing device: it loses exactly the pages that it reports, and some controls lose none."""

import msgspec
import numpy as np
import pytest

from tests.cli_helpers import as_json, refused_here
from tests.faulty_codecs import python_codec
from tests.page_samples import sample_array, sample_pages
from zswapsim import CorruptPageError, InputError, Settings, get_compressor, run
from zswapsim._core.backend import cram as core
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.cram import CramBackend
from zswapsim._core.backend.cram_device import CramDevice
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.backends.cram import physical_sizes
from zswapsim.compressors import measure
from zswapsim.report.headroom import headroom_text, overwritten_text
from zswapsim.study.cram.headroom import HeadroomCase, replay_case, replay_cases
from zswapsim.study.cram.overwritten import overwritten_zeros
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.cost import PRESETS
from zswapsim.study.settings.cram import CONTROLS, CramSettings, nanoseconds, parse_cram
from zswapsim.traces import Contents

COST = PRESETS["cxl-nvme"]
ZIPF = "gen:zipf,pages=600,events=30000,alpha=0.8,writes=0.3"
OVERFLOWING = "ratio=4,high=1000,low=900,delay=3000,zero=2000"
SAFE = (
    "ratio=1,high=1000,low=900,delay=3000,zero=2000",
    "form=tier,ratio=1,high=1000,low=900,delay=3000,zero=2000,budget=100%",
    f"{OVERFLOWING},control=counting",
    f"{OVERFLOWING},control=tokens",
    f"form=tier,{OVERFLOWING},control=tokens,budget=100%",
)


def small(spec: str, **changes: object) -> Settings:
    return Settings(**({"dram": "20%", "node": "60%", "backend": "cram", "cram": spec} | changes))


def on_device(settings: Settings, contents: Contents, pages: int) -> Replay:
    return open_replay(settings, pages, contents, None)


# -- depths and codecs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressor", ["bdi", "fpc", "wkdm:grain=64", "wkdm", "lz4-linux", "zstd"])
@pytest.mark.parametrize(
    "spec", ["", OVERFLOWING, f"form=tier,{OVERFLOWING},budget=10%", "ratio=3,delay=20us,zero=1ms"]
)
def test_bytes_and_sizes_depth_count_the_same(compressor: str, spec: str) -> None:
    settings = small(spec, compressor=compressor)
    real, sized = (
        run(ZIPF, "recipe:mix,pages=300", msgspec.structs.replace(settings, depth=depth))
        for depth in ("bytes", "sizes")
    )
    assert real.counters == sized.counters
    assert real.outcome == sized.outcome
    assert real.modelled_ns == pytest.approx(sized.modelled_ns)  # a device compresses without time of the processor
    counters = real.counters
    assert real.verified_pages == counters["major_faults"] - counters["poisoned_reads"] + counters["mapped_reads"]


@pytest.mark.parametrize("read", ["map", "copy"])
def test_counts_depth_has_the_same_faults_where_there_is_room(read: str) -> None:
    settings = small(f"ratio=1,read={read},delay=0,zero=0,high=1000,low=900", node="200%", zero_map=False)
    with_contents = run(ZIPF, "recipe:mix,pages=300", settings).counters
    without = run(ZIPF, None, settings).counters
    for name in ("accesses", "minor_faults", "major_faults", "zswpin", "zswpout", "mapped_reads", "promotions"):
        assert with_contents[name] == without[name], name


# -- lost pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", ["bytes", "sizes"])
@pytest.mark.parametrize("spec", SAFE)
def test_no_page_is_lost_where_physical_is_advertised_or_the_control_covers_every_write(spec: str, depth: str) -> None:
    result = run(ZIPF, "recipe:noise,pages=64", small(spec, depth=depth))
    assert result.outcome == "completed"
    assert result.counters["zswpout"] > 0
    assert result.counters["lost_pages"] == result.counters["poisoned_reads"] == 0


def test_losses_are_counted_named_and_told() -> None:
    result = run(ZIPF, "recipe:mix,pages=300", small(OVERFLOWING))
    counters = result.counters
    assert result.outcome == "pages lost"
    assert counters["lost_pages"] == counters["poisoned_reads"] + counters["poisoned_pages"] > 100
    assert counters["peak_pressure"] <= 1000
    assert counters["peak_pool_total_size"] <= counters["physical_size"]


def test_the_first_bus_error_ends_the_run_where_asked() -> None:
    result = run(ZIPF, "recipe:mix,pages=300", small(f"{OVERFLOWING},loss=end"))
    assert result.outcome == "bus error"
    assert result.counters["poisoned_reads"] == 1
    assert 0 < result.counters["accesses"] < 30000


@pytest.mark.parametrize("form", ["read=copy", "read=map", "form=tier"])
def test_exactly_those_pages_are_lost_that_did_not_fit(form: str) -> None:
    # The device has two frames' worth of room for noise, in 16 frames; pages 0 to 9 are swapped out in order.
    contents = Contents(np.random.default_rng(1).integers(0, 256, (10, 4096), np.uint8))
    spec = f"{form},ratio=8,high=1000,low=0,delay=1000000,zero=0"
    engine = on_device(
        Settings(backend="cram", cram=spec, dram=4096, node=16 * 4096, swap="none"), contents, len(contents)
    )
    everyone, reads = np.arange(10, dtype=np.uint32), np.zeros(10, np.uint8)
    assert engine.feed(everyone, reads) == 10
    assert engine.backend.lost_slots() == [2, 3, 4, 5, 6, 7, 8]
    engine.check()
    told = engine.counters_now()
    assert (told["lost_pages"], told["poisoned_reads"]) == (7, 0)
    # Pages 0 and 1 are loaded as they were stored; a read of another one reports the loss, and only once.
    assert engine.feed(everyone[:2], reads[:2]) == 2
    assert engine.counters_now()["poisoned_reads"] == 0
    assert engine.feed(everyone[2:4], reads[:2]) == 2
    assert engine.counters_now()["poisoned_reads"] == 2
    engine.check()


def test_a_page_that_came_back_wrong_is_not_a_lost_one() -> None:
    # The codec returns pages of which all but the first 64 bytes are zero.
    codec = python_codec(lambda page: page[:64], lambda data: data + bytes(4032))
    contents = Contents(sample_array(sample_pages()))
    arena, dram = FrameArena(64 * 4096), FrameArena(4096)
    node = CramDevice(arena, 64 * 4096, codec)
    backend = CramBackend(COST, arena.grant("swap backend"), node, SwapDevice(0))
    zero = np.array([not image.any() for image in contents.images], np.uint8)
    engine = Replay(
        40, 1, backend, dram=dram.grant("workload"), images=contents.images, next_image=contents.next_image, zero=zero
    )
    twice = np.tile(np.arange(40, dtype=np.uint32), 2)
    with pytest.raises(CorruptPageError):
        engine.feed(twice, np.zeros(80, np.uint8))
    assert engine.counters_now()["lost_pages"] == 0


# -- forms --------------------------------------------------------------------------------------------------------


def test_a_read_fault_maps_and_a_write_fault_promotes() -> None:
    contents = Contents(sample_array(sample_pages()))
    engine = on_device(small("delay=0,zero=0,ratio=1", dram=4096, node=64 * 4096, zero_map=False), contents, 8)
    feed = lambda page, write: engine.feed(np.array([page], np.uint32), np.array([write], np.uint8))  # noqa: E731
    feed(0, 0), feed(1, 0)
    assert engine.counters_now()["zswpout"] == 1
    feed(0, 0)  # the fault maps the page without a frame of DRAM
    assert engine.counters_now()["major_faults"] == engine.counters_now()["zswpin"] == 1
    assert engine.counters_now()["zswpout"] == 1
    feed(0, 0), feed(0, 0)
    assert engine.counters_now()["major_faults"] == 1
    assert engine.counters_now()["mapped_reads"] == 2
    feed(0, 1)
    after = engine.counters_now()
    assert (after["major_faults"], after["promotions"], after["zswpout"], after["stored_pages"]) == (2, 1, 2, 1)


def test_a_tier_is_read_without_a_fault_and_written_within_its_budget() -> None:
    contents = Contents(sample_array(sample_pages()))
    spec = "form=tier,delay=0,zero=0,ratio=1,budget=2"
    engine = on_device(small(spec, dram=4096, node=64 * 4096, zero_map=False), contents, 8)
    engine.feed(np.arange(8, dtype=np.uint32), np.zeros(8, np.uint8))
    engine.feed(np.arange(7, dtype=np.uint32), np.zeros(7, np.uint8))
    found = engine.counters_now()
    assert (found["major_faults"], found["mapped_reads"]) == (0, 7)
    engine.feed(np.array([0, 1, 0, 2], np.uint32), np.ones(4, np.uint8))
    found = engine.counters_now()
    assert (found["in_place_writes"], found["writable_pages"], found["promotions"]) == (3, 2, 1)
    engine.check()


def test_freed_frames_take_space_until_they_are_zeroed() -> None:
    contents = Contents(np.random.default_rng(1).integers(0, 256, (8, 4096), np.uint8))
    engine = on_device(small("delay=0,zero=10,ratio=1", dram=4096, node=64 * 4096), contents, 8)
    pages = np.array([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 3], np.uint32)
    engine.feed(pages[:3], np.array([0, 0, 1], np.uint8))  # 0: swapped out, then faulted in by a write; 1: swapped out
    found = engine.counters_now()
    assert (found["stored_pages"], found["zeroing_pages"]) == (1, 1)
    assert found["pool_total_size"] == found["compr_data_size"] + 4096
    engine.feed(pages[3:], np.zeros(10, np.uint8))
    assert engine.counters_now()["zeroing_pages"] == 0
    assert engine.owners()["private"]["swap backend"] == engine.counters_now()["stored_pages"]


def test_all_frames_of_the_device_are_the_backends() -> None:
    result = run(ZIPF, "recipe:mix,pages=300", small("zero=0,delay=0"))
    owners = result.owners["private"]
    assert set(owners) == {"swap backend", "free"}
    assert owners["swap backend"] == result.counters["stored_pages"]
    assert sum(owners.values()) == result.settings["node_frames"]


def test_space_is_what_a_page_takes_in_whole_sectors() -> None:
    pages = np.zeros((4, 4096), np.uint8)
    pages[1] = 7  # one word
    pages[2, :100] = np.random.default_rng(0).integers(0, 256, 100, np.uint8)
    pages[3] = np.random.default_rng(0).integers(0, 256, 4096, np.uint8)
    measured = measure(get_compressor("lz4"), pages)
    taken = physical_sizes(measured, 64).tolist()
    assert taken[0] == 0
    assert taken[1] == 64
    assert taken[2] == -(-int(measured.size[2]) // 64) * 64
    assert taken[3] == 4096


# -- the study ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("headroom", "delay_ns"), [(2, 1_000_000), (5, 1_000_000), (5, 10_000_000), (20, 10_000_000)])
def test_losses_are_what_arrives_unseen_less_the_headroom(headroom: int, delay_ns: int) -> None:
    found = replay_case(
        HeadroomCase(headroom_percent=headroom, delay_ns=delay_ns, inflow=4_000_000_000, physical=64 << 20)
    )
    arriving = 4 * delay_ns / 4096
    room = (64 << 20) * headroom / 100 / 4096
    assert found.lost_pages == pytest.approx(arriving - room, abs=2 + 0.002 * arriving)
    assert found.lost_pages > 0


def test_more_headroom_or_a_shorter_delay_loses_no_more_and_two_controls_lose_nothing() -> None:
    common = HeadroomCase(physical=8 << 20)
    points = replay_cases(CONTROLS, [2, 10], [0, 100_000, 4_000_000], [1_000_000_000], [3.0, 1.0], common)
    assert len(points) == 3 * 2 * 3 * 2
    lost = {
        (each.case.control, each.case.ratio_after, each.case.delay_ns, each.case.headroom_percent): each.lost_pages
        for each in points
    }
    for (control, ratio, delay, headroom), pages in lost.items():
        assert pages == 0 or (control == "watermarks" and delay > 0)
        assert pages >= lost[control, ratio, delay, 10]
        assert pages <= lost[control, ratio, 4_000_000, headroom]
        assert pages <= lost[control, 1.0, delay, headroom]
    assert lost["watermarks", 1.0, 4_000_000, 2] > 0
    assert replay_cases(CONTROLS, [2, 10], [0, 100_000, 4_000_000], [1_000_000_000], [3.0, 1.0], common) == points
    assert headroom_text(points).count("\n") > 18


def test_zeros_overwritten_in_place_get_past_every_control_but_tokens() -> None:
    found = overwritten_zeros(get_compressor("bdi"), pages=1024, delay_ticks=200)
    lost = {(each.form, each.control, each.budget): each.lost_pages for each in found}
    assert all(each.zeros_pressure == 0 for each in found)
    assert all(each.bus_errors == each.lost_pages for each in found)
    assert lost["tier", "counting", 1024] == lost["tier", "watermarks", 1024] > lost["tier", "watermarks", 0]
    assert lost["tier", "tokens", 1024] == 0
    assert overwritten_text(found).count("\n") == 8


# -- misuse -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        "form=disk", "read=", "ratio", "ratio=x", "ratio=0.5", "ratio=nan", "control=hope", "high=800,low=800",
        "high=1001", "delay=-1", "delay=5min", "delay=1.5us", "delay=5,zero=1s", "zero_batch=-1", "tokens=0",
        "sector=100", "line_ns=-1", "budget=5", "form=tier,budget=101%", "form=tier,budget=x", "loss=none",
        "ratio=2,ratio=3", "size=1",
    ],
)  # fmt: skip
def test_wrong_settings_are_refused_in_one_line(spec: str, capfd) -> None:
    with pytest.raises(InputError, match="--cram"):
        parse_cram(spec)
    assert "--cram" in refused_here(capfd, "run", ZIPF, "--backend", "cram", "--cram", spec)


def test_settings_are_what_was_written() -> None:
    assert parse_cram("") == CramSettings()
    assert parse_cram("form=tier,budget=10%").writable(1000) == 100
    assert parse_cram("delay=500,zero=0").clock() == (500, 0, False)
    assert parse_cram("delay=2us,zero=1ms").clock() == (2000, 1_000_000, True)
    assert nanoseconds("delay", "3ms") == 3_000_000
    assert core.CONTROLS == CONTROLS
    with pytest.raises(InputError, match="time"):
        nanoseconds("delay", "30")


def test_a_device_is_refused_what_it_can_not_be() -> None:
    arena = FrameArena(4 * 4096, backed=False)
    codec = get_compressor("bdi")
    for wrong in (
        {"physical": 0}, {"sector": 3}, {"high": 5, "low": 5}, {"high": 1001}, {"token_batch": 0},
        {"codec": codec}, {"taken": np.array([5000], np.uint16)}, {"taken": np.array([70], np.uint16)},
        {"taken": np.empty(0, np.uint16)},
    ):  # fmt: skip
        with pytest.raises(InputError):
            CramDevice(arena, **({"physical": 4096} | wrong))
    node = CramDevice(arena, 4096)
    with pytest.raises(InputError):
        CramBackend(COST, FrameArena(4096, backed=False).grant("other"), node, SwapDevice(0))
    for wrong in ({"control": "hope"}, {"max_writable": 3}, {"line_ns": -1.0}, {"tick_ns": float("nan")}):
        with pytest.raises(InputError):
            CramBackend(COST, arena.grant("swap backend"), node, SwapDevice(0), **wrong)
    backend = CramBackend(COST, arena.grant("swap backend"), node, SwapDevice(0))
    Replay(4, 1, backend)
    with pytest.raises(InputError, match="one replay"):
        Replay(4, 1, backend)
    with pytest.raises(InputError):
        CramBackend.__new__(CramBackend).stats()


def test_no_other_backend_loses_pages_or_maps_them() -> None:
    for backend in ("private-node", "disk"):
        counters = run(ZIPF, "recipe:mix,pages=300", Settings(dram="20%", node="10%", backend=backend)).counters
        assert counters["lost_pages"] == counters["poisoned_reads"] == 0
    assert CountingBackend(COST).stats()["lost_pages"] == 0


# -- the command --------------------------------------------------------------------------------------------------


def test_the_command_prints_points_and_the_example() -> None:
    options = ("--headroom", 5, "--delay", "1ms", "--inflow", "4GB", "--after", 1, "--physical", "8MiB")
    found = as_json("cram", *options, "--control", "watermarks", "--control", "tokens")
    assert [each["case"]["control"] for each in found["headroom"]] == ["watermarks", "tokens"]
    assert found["headroom"][0]["lost_pages"] > 0 == found["headroom"][1]["lost_pages"]
    assert len(found["overwritten"]) == 5


@pytest.mark.parametrize(
    "options",
    [
        ("--control", "hope"),
        ("--delay", "5"),
        ("--headroom", "95"),
        ("--inflow", "1TB"),
        ("--after", "0"),
        ("--tokens", 0),
    ],
)
def test_the_command_refuses_in_one_line(options: tuple, capfd) -> None:
    assert options[0] in refused_here(capfd, "cram", *options)
