"""Test the engine and whole runs: misuse, injected faults, running out of memory, growth."""

import threading
from dataclasses import replace as replaced

import msgspec
import numpy as np
import psutil
import pytest

from tests.faulty_codecs import E_CODEC, c_codec, python_codec
from tests.page_samples import sample_array, sample_pages
from zswapsim import BusyError, CorruptPageError, InputError, PluginError, Result, Settings, run
from zswapsim._core.backend.backend import Backend
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.device import SwapDevice
from zswapsim._core.backend.disk import DiskBackend
from zswapsim._core.backend.private_node import PrivateNodeBackend
from zswapsim._core.engine.replay import Replay
from zswapsim._core.frames.arena import FrameArena
from zswapsim.compressors import get_compressor, measure
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import Contents

COST = PRESETS["cxl-nvme"]
ZIPF = "gen:zipf,pages=600,events=30000,alpha=0.8,writes=0.3"
READ = np.zeros(1, np.uint8)


def page(number: int) -> np.ndarray:
    return np.array([number], np.uint32)


def small(**changes: object) -> Settings:
    return Settings(**({"dram": "20%", "node": "10%"} | changes))


# -- depths -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backend", ["private-node", "disk"])
@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize("compressor", ["lz4", "zstd:level=1", "store"])
def test_bytes_and_sizes_depth_count_the_same(compressor: str, batch: int, exclusive: bool, backend: str) -> None:
    settings = small(compressor=compressor, reclaim_batch=batch, exclusive_loads=exclusive, backend=backend)
    found = {
        depth: run(ZIPF, "recipe:mix,pages=300", msgspec.structs.replace(settings, depth=depth))
        for depth in ("bytes", "sizes")
    }
    assert found["bytes"].counters == found["sizes"].counters
    assert [*found["bytes"].timeline] == [*found["sizes"].timeline]
    assert found["bytes"].verified_pages == found["bytes"].counters["major_faults"] > 1000
    assert found["bytes"].counters["zswpwb"] > 100 or backend == "disk"


def test_counts_depth_has_the_same_faults() -> None:
    with_contents = run(ZIPF, "recipe:mix,pages=300", small()).counters
    without = run(ZIPF, None, small()).counters
    for name in ("accesses", "writes", "pages", "minor_faults", "major_faults", "reclaimed_pages"):
        assert with_contents[name] == without[name]


def test_a_result_is_the_same_again_but_for_times() -> None:
    first, second = (run(ZIPF, "recipe:mix,pages=300", small()) for _ in range(2))
    assert first.counters == second.counters
    assert first.timeline == second.timeline
    assert first.owners == second.owners
    again = Result.from_json(first.to_json())
    assert again.counters == first.counters
    assert again.settings == first.settings


def test_the_timeline_ends_with_the_counters() -> None:
    result = run(ZIPF, "recipe:mix,pages=300", small(window=7000))
    assert [row["accesses"] for row in result.timeline] == [7000, 14000, 21000, 28000, 30000]
    assert result.timeline[-1].items() <= result.counters.items()
    for before, after in zip(result.timeline, result.timeline[1:], strict=False):
        assert before["major_faults"] <= after["major_faults"]


def test_all_frames_of_the_private_node_are_the_backends() -> None:
    result = run(ZIPF, "recipe:mix,pages=300", small())
    owners = result.owners["private"]
    assert set(owners) == {"swap backend", "free"}
    assert owners["swap backend"] * 4096 == result.counters["pool_total_size"]
    assert sum(owners.values()) == result.settings["node_frames"]


def test_writes_change_what_a_page_compresses_to() -> None:
    reads = run("gen:loop,pages=400,events=4000,writes=0", "recipe:mix,pages=300", small(node="400%"))
    writes = run("gen:loop,pages=400,events=4000,writes=1", "recipe:mix,pages=300", small(node="400%"))
    assert reads.counters["stored_pages"] == writes.counters["stored_pages"]
    assert reads.counters["compr_data_size"] != writes.counters["compr_data_size"]


def test_clean_pages_are_dropped_where_the_copy_stays() -> None:
    kept = run(ZIPF, "recipe:mix,pages=300", small(exclusive_loads=False, node="100%")).counters
    dropped = run(ZIPF, "recipe:mix,pages=300", small(exclusive_loads=True, node="100%")).counters
    assert kept["dropped_clean_pages"] > 0
    assert kept["zswpout"] < dropped["zswpout"]
    assert kept["major_faults"] == dropped["major_faults"]


# -- running out of memory ------------------------------------------------------------------------------------------


def test_out_of_memory_ends_the_run_with_its_counters() -> None:
    result = run("gen:loop,pages=500,events=5000", "recipe:noise,pages=64", small(swap="none", node="5%"))
    assert result.outcome == "out of memory"
    assert 0 < result.counters["accesses"] < 5000
    assert result.counters["kept_pages"] > 0
    assert result.counters["pool_limit_hit"] > 0
    # Every frame was used before that.
    assert result.counters["resident_pages"] == result.settings["dram_frames"]
    assert result.owners["private"]["free"] == 0
    assert result.timeline[-1]["accesses"] == result.counters["accesses"]


def test_a_full_device_keeps_pages_in_dram() -> None:
    result = run("gen:loop,pages=500,events=5000", "recipe:noise,pages=64", small(swap=40 * 4096, node="5%"))
    assert result.outcome == "out of memory"
    assert result.counters["device_pages"] == 40


def test_a_node_too_small_for_a_zspage_passes_pages_on_to_the_device() -> None:
    result = run(ZIPF, "recipe:text,pages=64", small(node=4096))
    assert result.outcome == "completed"
    assert result.counters["reject_alloc_fail"] == result.counters["pool_limit_hit"] > 0
    assert result.counters["stored_pages"] == 0
    assert result.counters["pswpin"] == result.counters["major_faults"]


# -- injected faults ------------------------------------------------------------------------------------------------


def engine_with(codec: object, *, device_pages: int = 1 << 20, node: int = 64, frames: int = 8) -> Replay:
    contents = Contents(sample_array(sample_pages()), "samples")
    backend = PrivateNodeBackend(COST, FrameArena(node * 4096).grant("b"), SwapDevice(device_pages, backed=True), codec)
    zero = (~contents.images.any(axis=1)).astype(np.uint8)
    return Replay(
        64, frames, backend, dram=FrameArena(frames * 4096).grant("w"), images=contents.images,
        next_image=contents.next_image, zero=zero,
    )  # fmt: skip


def feed(engine: Replay, pages: list[int]) -> int:
    return engine.feed(np.array(pages, np.uint32), np.zeros(len(pages), np.uint8))


def test_a_codec_that_fails_sends_pages_to_the_device() -> None:
    engine = engine_with(c_codec(lambda page: E_CODEC))
    assert feed(engine, [*range(64), *range(64)]) == 128
    counters = engine.counters_now()
    assert counters["reject_compress_fail"] > 50
    assert counters["pswpout"] == counters["reject_compress_fail"]
    engine.check()


def test_a_codec_that_fails_without_a_device_keeps_pages_in_dram() -> None:
    engine = engine_with(c_codec(lambda page: E_CODEC), device_pages=0)
    assert feed(engine, [*range(64)]) < 64
    assert engine.out_of_memory
    assert engine.counters_now()["kept_pages"] >= 8
    engine.check()


def test_a_plug_in_that_raises_ends_the_run() -> None:
    def compress(data: bytes) -> bytes:
        raise ValueError("broken plug-in")

    engine = engine_with(python_codec(compress))
    with pytest.raises(PluginError, match="page 8") as caught:
        feed(engine, [*range(64)])
    assert "broken plug-in" in str(caught.value.__cause__)


def test_corrupt_bytes_are_noticed_when_the_page_returns() -> None:
    engine = engine_with(get_compressor("lz4"), node=256)
    feed(engine, [*range(40)])
    engine.backend.inject_fault(4, 20, 0xFF)
    with pytest.raises(CorruptPageError, match="page 4"):
        feed(engine, [4])
    assert feed(engine, [5]) == 0, "the run has ended"


def test_corrupt_bytes_without_verification_never_crash() -> None:
    contents = Contents(sample_array(sample_pages()), "samples")
    settings = Settings(dram=8 * 4096, node=64 * 4096, verify=False)
    for offset in range(0, 60, 3):
        engine = open_replay(settings, 64, contents, None)
        feed(engine, [*range(40)])
        for slot in range(30):
            try:
                engine.backend.inject_fault(slot, offset, 0x55)
            except Exception as error:  # same-filled and short pages have no such byte
                assert "stored" in str(error)
        for slot in range(30):
            try:
                feed(engine, [slot])
            except CorruptPageError:
                break
    assert engine.verified_pages == 0


# -- misuse ---------------------------------------------------------------------------------------------------------


def test_wrong_arguments_are_refused() -> None:
    backend = CountingBackend(COST)
    for pages, frames, batch in [(0, 1, 1), (1 << 32, 1, 1), (5, 0, 1), (5, 2, 3), (5, 5, 0)]:
        with pytest.raises(InputError):
            Replay(pages, frames, backend, batch=batch)
    with pytest.raises(InputError, match="go together"):
        Replay(5, 5, backend, dram=FrameArena(4096).grant("w"))
    with pytest.raises(InputError, match=r"negative|expected 0 to"):
        Backend([-1, 0, 0, 1, 0, 0])
    with pytest.raises(InputError, match="either a codec or measured"):
        PrivateNodeBackend(COST, FrameArena(4096).grant("b"), SwapDevice(0))
    with pytest.raises(InputError, match="not initialised"):
        Replay.__new__(Replay).feed(page(0), READ)
    with pytest.raises(InputError, match="swap device"):
        SwapDevice(-1)


def test_a_page_number_past_the_footprint_is_refused() -> None:
    engine = Replay(5, 5, CountingBackend(COST))
    for number in (5, 6, 1 << 31, (1 << 31) + 4, (1 << 32) - 1):
        with pytest.raises(InputError, match="not below 5"):
            engine.feed(page(number), READ)
    assert engine.feed(np.arange(5, dtype=np.uint32), np.zeros(5, np.uint8)) == 5
    many = np.zeros(100_000, np.uint32)
    many[-1] = 5
    with pytest.raises(InputError, match=r"from access \d+ on: a page number is not below 5"):
        engine.feed(many, np.zeros(len(many), np.uint8))
    engine.check()
    with pytest.raises(InputError, match="operations"):
        engine.feed(page(4), np.zeros(2, np.uint8))
    assert engine.feed(page(4), READ) == 1


def test_a_backend_serves_one_replay() -> None:
    backend = pooled_sizes(3)
    Replay(5, 5, backend, next_image=np.arange(3, dtype=np.uint32), zero=np.zeros(3, np.uint8))
    with pytest.raises(InputError, match="one replay"):
        Replay(5, 5, backend, next_image=np.arange(3, dtype=np.uint32), zero=np.zeros(3, np.uint8))


def pooled_sizes(count: int) -> PrivateNodeBackend:
    columns = (np.full(count, 100, np.uint16), np.zeros(count, np.uint8), np.ones(count, np.uint32))
    measured = (*columns, np.ones(count, np.uint32))
    return PrivateNodeBackend(COST, FrameArena(4096).grant("b"), SwapDevice(0), None, measured)


def test_a_backend_is_given_what_it_needs() -> None:
    """Otherwise it would read bytes, or sizes, that do not exist."""
    with pytest.raises(InputError, match="needs pages with their bytes"):
        Replay(5, 5, PrivateNodeBackend(COST, FrameArena(4096).grant("b"), SwapDevice(0), get_compressor("lz4")))
    with pytest.raises(InputError, match="sizes of 3 contents were measured, 4 are wanted"):
        Replay(5, 5, pooled_sizes(3), next_image=np.arange(4, dtype=np.uint32), zero=np.zeros(4, np.uint8))
    with pytest.raises(InputError, match="0 are wanted"):
        Replay(5, 5, pooled_sizes(3))


def test_two_threads_on_one_engine() -> None:
    inside, leave = threading.Event(), threading.Event()

    def compress(data: bytes) -> bytes:
        inside.set()
        assert leave.wait(30)
        return data[:50]

    engine = engine_with(python_codec(compress, lambda data: bytes(4096)))
    thread = threading.Thread(target=feed, args=(engine, [*range(9)]))
    thread.start()
    assert inside.wait(30)
    for call in (lambda: feed(engine, [1]), engine.counters_now, engine.check, engine.owners):
        with pytest.raises(BusyError):
            call()
    leave.set()
    thread.join()
    engine.check()


def test_measured_sizes_of_other_contents_are_refused() -> None:
    measured = measure(get_compressor("lz4"), sample_array(sample_pages()))
    with pytest.raises(InputError, match="measured sizes of"):
        run(ZIPF, "recipe:mix,pages=300", small(depth="sizes"), measured=measured)
    short = replaced(measured, compress_ns=measured.compress_ns[:-1])
    with pytest.raises(InputError, match="one length"):
        run(ZIPF, Contents(sample_array(sample_pages()), "s"), small(depth="sizes"), measured=short)


@pytest.mark.parametrize("code", ["ENOSPC", "EIO"])
def test_a_device_file_that_fails(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk under the device is one clear error, and the run has ended with it."""
    import errno
    import os
    import resource
    import signal

    from zswapsim import DeviceError

    if code == "EIO":  # not even the file can be made

        def no_file(*_args: object, **_options: object) -> None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

        monkeypatch.setattr("tempfile.TemporaryFile", no_file)
        with pytest.raises(DeviceError, match="Input/output error"):
            SwapDevice(5, backed=True)
        return
    contents = Contents(sample_array(sample_pages()), "samples")
    engine = open_replay(Settings(dram=8 * 4096, backend="disk"), 64, contents, None)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4 * 4096, before[1]))
        with pytest.raises(DeviceError, match="file behind the swap device"):
            feed(engine, [*range(64)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_a_disk_backend_counts_pages_on_the_device() -> None:
    engine = Replay(20, 4, DiskBackend(COST, SwapDevice(100)))
    feed(engine, [*range(20), *range(20)])
    counters = engine.counters_now()
    assert counters["device_pages"] == counters["peak_device_pages"] == 20
    assert counters["pswpout"] == 20
    assert counters["dropped_clean_pages"] == 16
    engine.check()


# -- growth ---------------------------------------------------------------------------------------------------------


@pytest.mark.memory
def test_memory_does_not_grow_over_100_runs() -> None:
    process = psutil.Process()
    contents = Contents(sample_array(sample_pages()), "samples")

    def resident_after(runs: int) -> int:
        for number in range(runs):
            depth = ("bytes", "sizes")[number % 2]
            run("gen:zipf,pages=2000,events=8000,writes=0.3", contents, small(depth=depth))
        return process.memory_info().rss

    before = resident_after(20)
    assert resident_after(100) - before < 4 << 20
