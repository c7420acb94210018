"""Run and compare with a profile: nothing is compressed, and what the profile lacks is an error."""

from dataclasses import replace

import numpy as np
import pytest

from zswapsim import InputError, Settings, read_contents, run
from zswapsim.compressors import get_compressor, measure
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.profile import make_profile, read_profile
from zswapsim.traces import Trace, write_pages
from zswapsim.traces.recipes import RECIPES

TRACE = "gen:zipf,pages=300,events=4000,alpha=0.8,writes=0.4,seed=5"
BACKENDS = ["private-node", "zswap:max_pool_percent=40", "zram:algorithms=watched,recompress_every=500", "disk"]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_comparison_with_a_profile_compresses_nothing(tmp_path, doubled, watched, processes):
    pages = tmp_path / "a.pages"
    write_pages(pages, [doubled.images])
    contents = read_contents(pages)
    make_profile(contents, ["watched", "lz4"], tmp_path / "a.parquet")
    asked = combinations(depth="sizes", dram=["20%", "40%"], backend=BACKENDS, compressor=["watched", "lz4"])
    plain = compare(TRACE, contents, asked, processes=1)
    calls = watched()
    profile = read_profile(tmp_path / "a.parquet")
    for given_contents in (str(pages), None) if processes == 1 else (None,):
        found = compare(TRACE, given_contents, asked, processes=processes, profile=profile)
        assert watched() == calls
        assert [each.counters for each in found] == [each.counters for each in plain]
        assert {each.settings["contents"] for each in found} == {str(pages)}


def test_a_run_with_a_profile_compresses_nothing(doubled, watched):
    profile = make_profile(doubled, ["watched"])
    calls = watched()
    for backend in ("private-node", "zram"):
        run(TRACE, doubled, Settings(depth="sizes", compressor="watched", backend=backend), measured=profile)
    assert watched() == calls
    run(TRACE, doubled, Settings(depth="sizes", compressor="watched"))
    assert watched() > calls


@pytest.mark.parametrize("recipe", RECIPES)
def test_contents_of_a_profile_go_on_as_the_pages_do(recipe):
    contents = read_contents(f"recipe:{recipe},pages=60")
    without = make_profile(contents, []).contents()
    for name in ("next_image", "kind", "content", "digest"):
        assert np.array_equal(getattr(without, name), getattr(contents, name))
    assert (len(without), without.hash, without.holds_bytes) == (len(contents), contents.hash, False)


def test_bytes_need_pages(doubled):
    profile = make_profile(doubled, ["lz4"])
    with pytest.raises(InputError, match="--depth bytes: a profile holds no pages"):
        run(TRACE, None, Settings(), measured=profile)
    with pytest.raises(InputError, match="--depth bytes: a profile holds no pages"):
        compare(TRACE, None, [Settings(depth="sizes"), Settings()], profile=profile)


class Unread(Trace):
    name, events = "unread", None

    def chunks(self):
        pytest.fail("the trace was read")


@pytest.mark.parametrize("backend", ["private-node", "zram:algorithms=zstd", "private-node/zswap"])
def test_a_codec_that_was_not_measured_is_told_before_the_trace_is_read(doubled, backend):
    profile = make_profile(doubled, ["store"])
    asked = Settings(depth="sizes", backend=backend, compressor="lz4")
    for work in (run, lambda *a, measured: compare(a[0], a[1], [a[2]], profile=measured)):
        with pytest.raises(InputError, match=r"profile: holds store: expected lz4 too \(zswapsim profile adds it\)"):
            work(Unread(), doubled, asked, measured=profile)


def test_other_contents_are_refused_before_the_trace_is_read(doubled):
    profile = make_profile(doubled, ["lz4"])
    with pytest.raises(
        InputError, match=r"profile: a profile of other contents \(twice, \d+ pages, hash \w+\): expect"
    ):
        run(Unread(), "recipe:text,pages=9", Settings(depth="sizes"), measured=profile)


def test_lengths_of_one_codec_still_do(doubled):
    """A caller may measure one codec itself; the run then measures the others that it needs."""
    lengths = measure(get_compressor("lz4"), doubled.images)
    asked = Settings(depth="sizes", backend="zram:algorithms=zstd,recompress_every=500")
    profile = make_profile(doubled, ["lz4", "zstd"])
    assert (
        run(TRACE, doubled, asked, measured=lengths).counters == run(TRACE, doubled, asked, measured=profile).counters
    )
    asked = Settings(depth="sizes", backend="zswap")
    with pytest.raises(InputError, match="not known what same-filled pages compress to"):
        run(TRACE, doubled, asked, measured=replace(lengths, compressed=None))
