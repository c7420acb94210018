"""Test large folios by hand: each rule of Linux that they follow, and the settings that are rejected."""

import msgspec
import numpy as np
import pytest

from tests.cli_helpers import refused_here
from zswapsim import CorruptPageError, InputError, Settings, compare, get_compressor, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim._core.engine.replay import Replay
from zswapsim.study.compare.compare import combinations
from zswapsim.study.profile import make_profile
from zswapsim.study.run.run import open_replay
from zswapsim.study.settings.cost import PRESETS
from zswapsim.traces import ArrayTrace, Contents, DenseTrace
from zswapsim.traces.folios import Folios, find_folios
from zswapsim.traces.recipes import recipe_pages

CONTENTS = Contents(np.concatenate([recipe_pages("text", 8), recipe_pages("noise", 8)]), "text and noise")
WORDS = Contents(np.repeat(np.arange(1, 17, dtype=np.uint64), 512).view(np.uint8).reshape(16, 4096), "words")
FOUR = Folios(2, np.arange(16, dtype=np.uint32), 16)
ZIPF = "gen:zipf,pages=600,events=30000,alpha=0.8,writes=0.3"


def opened(frames: int = 8, contents: Contents = CONTENTS, **changes: object) -> Replay:
    asked = {"dram": frames * 4096, "node": 64 * 4096, "folio": "16KiB", "depth": "bytes"} | changes
    return open_replay(Settings(**asked), 16, contents, None, folios=FOUR)


def feed(engine: Replay, *pages: int, write: bool = False) -> dict[str, int]:
    """Make accesses one by one, and return the counters that changed."""
    before = engine.counters_now()
    for page in pages:
        assert engine.feed(np.array([page], np.uint32), np.array([write], np.uint8)) == 1
    engine.check()
    return {name: value - before[name] for name, value in engine.counters_now().items() if value != before[name]}


# -- numbers ------------------------------------------------------------------------------------------------------


def test_folios_begin_at_multiples_of_their_size() -> None:
    found = find_folios(np.array([7, 100, 4, 1 << 40, 8], np.uint64), None, 2, "trace")
    assert found.pages == 16  # 4 to 7, 100 to 103, 1 << 40, 8 to 11
    assert found.place.tolist() == [3, 4, 0, 8, 12]


def test_a_folio_is_of_one_process() -> None:
    found = find_folios(np.array([4, 5, 5, 4], np.uint64), np.array([1, 1, 2, 2], np.uint32), 2, "trace")
    assert found.place.tolist() == [0, 1, 5, 4]


def test_a_dense_trace_knows_its_folios() -> None:
    page, op = np.array([70, 5, 71, 5, 5], np.uint64), np.zeros(5, np.uint8)
    process = np.array([1, 1, 1, 2, 1], np.uint32)
    dense = DenseTrace(ArrayTrace(page, op, process=process))
    dense.scan()
    assert dense.folios(2).place.tolist() == [2, 5, 3, 9]


def test_too_many_folios_are_refused() -> None:
    spread = np.broadcast_to(np.uint64(0), (1,))
    assert find_folios(spread, None, 5, "trace").pages == 32
    with pytest.raises(InputError, match="many: 5 folios of 1073741824 pages"):
        find_folios(np.arange(5, dtype=np.uint64) << np.uint64(30), None, 30, "many")


# -- rules of Linux -----------------------------------------------------------------------------------------------


def test_the_first_touch_of_any_page_brings_in_the_whole_folio() -> None:
    engine = opened()
    assert feed(engine, 2) == {
        "accesses": 1, "pages": 1, "minor_faults": 1, "resident_pages": 4, "mthp_anon_fault_alloc": 1,
    }  # fmt: skip
    assert feed(engine, 0, 1, 3) == {"accesses": 3, "pages": 3}  # mapped already


def test_zswap_takes_a_folio_page_by_page_and_gives_back_single_pages() -> None:
    engine = opened(15, WORDS, backend="zswap:max_pool_percent=90")
    feed(engine, *range(4), 4, 8)
    out = feed(engine, 12)
    assert out["zswpout"] == out["reclaimed_pages"] == 4
    assert out["mthp_zswpout"] == 1
    back = feed(engine, 1)
    assert back["zswpin"] == back["major_faults"] == 1
    assert "mthp_swpin" not in back


def test_zram_gives_back_the_whole_folio() -> None:
    engine = opened(14, WORDS, backend="zram")
    feed(engine, *range(4), 4, 8)
    assert feed(engine, 12)["mthp_swpout"] == 1
    back = feed(engine, 1)
    assert (back["major_faults"], back["pswpin"], back["mthp_swpin"]) == (1, 4, 1)
    assert engine.verified_pages == 4


def test_zswap_fails_a_folio_whole_where_one_page_is_refused() -> None:
    # Page 6 is noise, which zswap before 6.18 rejects when pages 4 and 5 are already in the pool.
    engine = opened(12, backend="zswap:version=6.12,max_pool_percent=90", seed=2)
    feed(engine, *range(4, 8), 0, 8)
    out = feed(engine, 12)
    assert out["peak_pool_total_size"] > 0
    assert engine.counters_now()["pool_total_size"] == 0
    assert out["pswpout"] == 4
    assert out["mthp_swpout"] == 1
    assert "zswpout" not in out


def test_the_zero_map_takes_a_folio_only_where_all_of_it_is_zero() -> None:
    contents = Contents(np.concatenate([np.zeros((4, 4096), np.uint8), recipe_pages("text", 4)]), "half zero")
    engine = opened(contents=contents)
    feed(engine, 0, 4)
    assert feed(engine, 8)["swpout_zero"] == 4  # page 0 is zero, and no other page was touched
    assert feed(engine, 12)["zswpout"] == 4  # page 4 is text; the other pages are zero


def test_a_folio_for_which_swap_slots_are_short_is_split() -> None:
    engine = opened(backend="disk", swap=6 * 4096)
    feed(engine, 0, *range(4, 8))
    assert feed(engine, 8)["mthp_swpout"] == 1
    out = feed(engine, 0)
    assert (out["mthp_swpout_fallback"], out["pswpout"], out["major_faults"]) == (1, 2, 1)
    assert engine.counters_now()["resident_pages"] == 7


def test_a_write_to_one_page_makes_the_whole_folio_dirty() -> None:
    engine = opened(backend="disk", folio_swapin="whole")
    feed(engine, *range(8))
    feed(engine, 8)
    feed(engine, 0)
    assert feed(engine, 4)["pswpout"] == 4  # folio 8 was never swapped out
    assert feed(engine, 8)["dropped_clean_pages"] == 4  # folio 0, clean
    feed(engine, 0)
    feed(engine, 0, write=True)
    feed(engine, 4)
    assert feed(engine, 8)["pswpout"] == 4


def test_a_folio_wider_than_dram_is_refused() -> None:
    with pytest.raises(InputError, match="--dram 12288: 3 frames are fewer than a folio of 16KiB has"):
        opened(frames=3)


# -- compressed whole ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compressor", ["lz4", "lz4hc", "zstd", "deflate"])
def test_a_folio_compressed_whole_takes_less_and_comes_back_whole(compressor: str) -> None:
    by_page = opened(folio_swapin="whole", compressor=compressor)
    whole = opened(folio_compress="whole", compressor=compressor)
    for engine in (by_page, whole):
        feed(engine, *range(4), 4)
        assert feed(engine, 8)["mthp_zswpout"] == 1
    length = FolioCodec(get_compressor(compressor), 2).length(CONTENTS.images[:4].tobytes())
    assert whole.counters_now()["compr_data_size"] == length < by_page.counters_now()["compr_data_size"]
    back = feed(whole, 2)
    assert (back["major_faults"], back["zswpin"], back["mthp_swpin"]) == (1, 4, 1)
    assert whole.verified_pages == 4


def test_a_folio_that_gains_nothing_is_compressed_page_by_page() -> None:
    engine = opened(folio_compress="whole", seed=8)
    feed(engine, *range(4), 4)
    assert feed(engine, 8)["stored_incompressible_pages"] == 4


def test_a_folio_compressed_whole_is_written_back_whole() -> None:
    engine = opened(folio_compress="whole", node=4096)
    feed(engine, *range(8))
    out = feed(engine, 8, 12)
    assert out["zswpwb"] == out["written_back_pages"] == 4
    assert feed(engine, 0)["pswpin"] == 4


def test_a_damaged_folio_is_named() -> None:
    engine = opened(folio_compress="whole", verify=False)
    feed(engine, *range(4), 4, 8)
    engine.backend.inject_fault(0, 0, 0xFF)
    with pytest.raises(CorruptPageError, match="page 1, access 6"):
        feed(engine, 1)
    assert engine.counters_now()["decompress_fail"] == 1


def test_a_profile_has_no_pages_to_compress_whole() -> None:
    contents = Contents(recipe_pages("text", 8))
    profile = make_profile(contents, ["lz4"])
    with pytest.raises(InputError, match="--folio-compress whole: a profile holds no pages"):
        run(ZIPF, None, Settings(folio="16KiB", folio_compress="whole", depth="sizes"), measured=profile)


# -- whole runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "compress"),
    [(each, "page") for each in ("private-node", "zswap", "zram", "disk", "private-node/zswap", "zram/zswap")]
    + [("private-node", "whole")],
)
def test_all_depths_agree(backend: str, compress: str) -> None:
    settings = Settings(
        dram="60%",
        node="30%",
        backend=backend,
        folio="64KiB",
        folio_compress=compress,
        depth="sizes",
        compressor="zstd",
    )
    sizes = run(ZIPF, "recipe:mix,pages=300", settings)
    whole = run(ZIPF, "recipe:mix,pages=300", msgspec.structs.replace(settings, depth="bytes"))
    assert sizes.counters == whole.counters
    assert sizes.timeline == whole.timeline
    assert sizes.counters["mthp_anon_fault_alloc"] == sizes.counters["minor_faults"] == 38
    found = whole.counters
    assert whole.verified_pages == found["swpin_zero"] + found["zswpin"] + found["pswpin"] > 1000


def test_groups_and_processes_go_with_folios() -> None:
    rng = np.random.default_rng(1)
    page = rng.integers(0, 400, 4000).astype(np.uint64)
    trace = ArrayTrace(page, (page % 3 == 0).astype(np.uint8), process=(page % 2).astype(np.uint32))
    settings = Settings(dram="60%", backend="zswap", folio="32KiB", groups="a:processes=1,max=64K")
    result = run(trace, "recipe:mix,pages=64", settings)
    assert result.outcome == "completed"
    assert result.groups["a"]["zswap"] <= 1 << 16
    assert result.groups["a"]["zswpout"] > 0


def test_a_comparison_takes_several_sizes_and_any_number_of_processes() -> None:
    settings = combinations(folio=["4KiB", "128KiB"], folio_compress="whole", depth="sizes", dram="60%")
    found = compare(ZIPF, "recipe:mix,pages=100", settings, 2)
    for asked, result in zip(settings, found, strict=True):
        assert result.counters == run(ZIPF, "recipe:mix,pages=100", asked).counters
    assert [result.counters["minor_faults"] for result in found] == [600, 19]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--folio", "8KiB"], "--folio 8KiB: expected one of 4KiB, 16KiB, 32KiB, 64KiB, 128KiB"),
        (["--folio", "48KiB"], "--folio 48KiB: expected one of"),
        (["--folio-swapin", "some"], "--folio-swapin some: expected one of auto, page, whole"),
        (["--folio", "64KiB", "--backend", "cram"], "--folio 64KiB: with --backend cram"),
        (["--folio", "64KiB", "--readahead", "vma"], "--folio 64KiB: with --readahead vma"),
        (["--folio-compress", "some"], "--folio-compress some: expected one of page, whole"),
        (
            ["--folio-compress", "whole", "--backend", "zswap"],
            "--folio-compress whole: expected --backend private-node",
        ),
        (["--folio-compress", "whole", "--folio-swapin", "page"], "expected --folio-swapin auto or whole"),
        (["--folio-compress", "whole", "--folio", "64KiB", "--compressor", "lzo"], "lzo takes a page at most"),
    ],
)
def test_what_is_not_supported_is_one_line(capfd, options: list[str], expected: str) -> None:
    assert expected in refused_here(capfd, "run", ZIPF, *options)


def test_an_engine_refuses_what_does_not_fit() -> None:
    engine = opened()
    for place, order in ((np.array([16], np.uint32), 2), (np.array([0], np.uint32), 6), (np.empty(0, np.uint32), 2)):
        with pytest.raises(InputError):
            Replay(16, 8, CountingBackend(PRESETS["cxl-nvme"]), place=place, order=order)
    with pytest.raises(InputError, match="at least a folio of 16 pages"):
        Replay(16, 8, CountingBackend(PRESETS["cxl-nvme"]), place=np.zeros(1, np.uint32), order=4)
    with pytest.raises(InputError, match="not initialised"):
        Replay.__new__(Replay).feed(np.zeros(1, np.uint32), np.zeros(1, np.uint8))
    with pytest.raises(InputError, match="not below 16"):
        engine.feed(np.array([16], np.uint32), np.zeros(1, np.uint8))
