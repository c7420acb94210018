"""Make content profiles: each distinct content is measured once, into a file that a later call continues."""

import fcntl
import re
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugin_helpers import PLUGINS

from zswapsim import CorruptPageError, InputError, read_contents
from zswapsim._core.codec.measure import measure_pages
from zswapsim.compressors import get_compressor, measure, train_dictionary
from zswapsim.study.profile import make, make_profile, profile_key, read_profile

LENGTHS = ("size", "same_filled", "zero")
WARM_UP = 8  # pages that measure_pages runs before its clock starts


def same_lengths(profile, contents, *specs):
    for spec in specs:
        found, wanted = profile.measured(spec), measure(get_compressor(spec), contents.images)
        for name in LENGTHS:
            assert np.array_equal(getattr(found, name), getattr(wanted, name))
        assert np.array_equal(found.compressed.size, wanted.compressed.size)
    return True  # so that a test says what it asserts


# -- measuring ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_every_image_has_what_its_content_was_measured_to(doubled, threads):
    profile = make_profile(doubled, ["lz4", "zstd:level=1"], threads=threads)
    assert same_lengths(profile, doubled, "lz4", "zstd:level=1")
    times = profile.measured("lz4").compressed.compress_ns
    assert np.array_equal(times[:200], times[200:400])
    assert (times > 0).all()


def test_duplicates_are_compressed_once(doubled, watched):
    profile = make_profile(doubled, ["watched"], threads=1)
    distinct = len({image.tobytes() for image in doubled.images})
    ranges = -(-distinct // make.RANGE_ROWS)
    assert profile.added == {"watched": distinct}
    assert len(profile.kind) == distinct < len(doubled) / 2 + 2
    # A page that took unusually long is measured again, and each range has its warm-up.
    assert distinct <= watched() <= 2 * distinct + WARM_UP * ranges


def test_progress_counts_distinct_contents_of_all_codecs(doubled):
    seen = []
    profile = make_profile(doubled, ["lz4", "store"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * len(profile.kind), 2 * len(profile.kind))


def test_a_page_that_does_not_come_back_is_named(monkeypatch, doubled):
    monkeypatch.syspath_prepend(PLUGINS / "rogue_python")
    with pytest.raises(CorruptPageError, match=r"codec rogue-other-page: page \d+"):
        make_profile(doubled, ["rogue-other-page"])
    sys.modules.pop("rogue", None)


def test_no_threads(doubled):
    with pytest.raises(InputError, match="--threads 0: expected 1 to"):
        make_profile(doubled, ["lz4"], threads=0)


def test_pages_to_measure_are_looked_up_within_bounds(doubled):
    arrays = [np.zeros(2, kind) for kind in (np.uint16, np.uint8, np.uint8, np.uint32, np.uint32)]
    with pytest.raises(InputError, match="page 9000: expected one of"):
        measure_pages(get_compressor("lz4"), doubled.images, 0, 2, *arrays, np.array([0, 9000], np.uint32))


def test_a_dictionary_is_named_by_its_content(tmp_path, doubled):
    (tmp_path / "a").write_bytes(train_dictionary(doubled.images, 4096))
    (tmp_path / "b").write_bytes(train_dictionary(doubled.images[:150], 2048))
    spec = f"zstd:level=5,dict={tmp_path / 'a'}"
    profile = make_profile(doubled, [spec])
    (key,) = profile.columns
    assert re.fullmatch("zstd:level=5,dict=blake2b-[0-9a-f]{16}", key)
    (tmp_path / "a").rename(tmp_path / "moved")
    assert same_lengths(profile, doubled, f"zstd:level=5,dict={tmp_path / 'moved'}")
    (tmp_path / "b").rename(tmp_path / "a")
    assert profile_key(get_compressor(spec)) != key
    with pytest.raises(InputError, match=f"profile: holds {key}: expected zstd:level=5,dict=blake2b-"):
        profile.measured(spec)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_holds_the_profile(tmp_path, doubled):
    made = make_profile(doubled, ["lz4", "zstd"], tmp_path / "a.parquet")
    found = read_profile(tmp_path / "a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert (found.contents_name, found.contents_hash, found.origins) == ("twice", doubled.hash, made.origins)
    for name in ("content", "kind", "digest"):
        assert np.array_equal(getattr(found, name), getattr(made, name))
    for key, columns in made.columns.items():
        assert all(np.array_equal(*pair) for pair in zip(columns, found.columns[key], strict=True))
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert sorted(page for row in table for page in row["pages"]) == list(range(len(doubled)))
    assert all(row["lz4"]["size"] == made.measured("lz4").compressed.size[row["pages"][0]] for row in table)


def test_another_codec_is_added_without_measuring_the_first_again(tmp_path, doubled, watched):
    path = tmp_path / "a.parquet"
    first = make_profile(doubled, ["watched"], path)
    calls = watched()
    both = make_profile(doubled, ["watched", "lz4"], path)
    assert watched() == calls
    assert both.added == {"lz4": len(both.kind)}
    assert np.array_equal(both.columns["watched"].compress_ns, first.columns["watched"].compress_ns)
    assert make_profile(doubled, ["lz4"], path).added == {}
    assert list(read_profile(path).columns) == ["watched", "lz4"]
    assert make_profile(doubled, ["lz4"], path, resume=False).added == {"lz4": len(both.kind)}
    assert list(read_profile(path).columns) == ["lz4"]


def test_another_version_of_a_library_is_measured_anew(tmp_path, doubled, monkeypatch):
    path = tmp_path / "a.parquet"
    make_profile(doubled, ["lzo", "lz4"], path)
    monkeypatch.setattr(make, "__version__", "99")
    again = make_profile(doubled, ["lzo", "lz4"], path)
    assert list(again.added) == ["lzo"]
    assert read_profile(path).origins["lzo"].version == "zswapsim 99"


def test_what_was_measured_survives_an_interrupt(tmp_path, doubled, monkeypatch):
    monkeypatch.setattr(make, "RANGE_ROWS", 32)
    path = tmp_path / "a.parquet"

    def interrupt(done, _total):
        if done >= 96:
            raise KeyboardInterrupt

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            make_profile(doubled, ["lz4", "zstd"], path, threads=threads, progress=interrupt)
        assert [each.name for each in tmp_path.iterdir()] == ["a.parquet.part"]
    whole = make_profile(doubled, ["lz4", "zstd"], path)
    assert sum(whole.added.values()) <= 2 * len(whole.kind) - 2 * 96
    assert same_lengths(whole, doubled, "lz4", "zstd")
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory, doubled):
    """Return the journal of an interrupted profile."""
    path = tmp_path_factory.mktemp("unfinished") / "a.parquet"
    with pytest.raises(ZeroDivisionError):
        make_profile(doubled, ["lz4", "store"], path, progress=lambda done, total: 1 // (done < total))
    return (path.parent / "a.parquet.part").read_bytes()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_journal_that_is_cut_or_garbled_anywhere_costs_work_alone(unfinished, doubled, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "a.parquet"
    torn = bytearray(unfinished[: data.draw(st.integers(0, len(unfinished)))])
    head = unfinished.index(b"\n") + 1
    if len(torn) > head and data.draw(st.booleans()):
        torn[data.draw(st.integers(head, len(torn) - 1))] ^= data.draw(st.integers(1, 255))
    (path.parent / "a.parquet.part").write_bytes(torn)
    assert same_lengths(make_profile(doubled, ["lz4", "store"], path, threads=1), doubled, "lz4", "store")


def test_what_was_measured_of_other_codecs_stays(tmp_path, unfinished, doubled):
    path, part = tmp_path / "a.parquet", tmp_path / "a.parquet.part"
    part.write_bytes(unfinished)
    make_profile(doubled, ["lzo"], path)
    assert part.exists()
    assert make_profile(doubled, ["lzo"], path).added == {}
    assert part.exists()
    assert make_profile(doubled, ["lz4"], path).added == {"lz4": 0}
    assert part.exists(), "store is not in the file yet"
    assert make_profile(doubled, ["lz4", "store"], path).added == {"store": 0}
    assert list(read_profile(path).columns) == ["lzo", "lz4", "store"]
    assert not part.exists()


def test_a_file_that_is_refused_takes_no_journal_away(tmp_path, unfinished, doubled):
    (tmp_path / "a.parquet.part").write_bytes(unfinished)
    (tmp_path / "a.parquet").write_text("a letter")
    with pytest.raises(InputError, match="expected a profile in Parquet"):
        make_profile(doubled, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet.part").read_bytes() == unfinished


def test_a_journal_of_other_contents_is_refused(tmp_path, unfinished, doubled):
    (tmp_path / "a.parquet.part").write_bytes(unfinished)
    other = read_contents("recipe:text,pages=20")
    with pytest.raises(InputError, match=rf"a.parquet.part: begun with other contents \(hash {doubled.hash}\)"):
        make_profile(other, ["lz4"], tmp_path / "a.parquet")
    make_profile(other, ["lz4"], tmp_path / "a.parquet", resume=False)
    assert not (tmp_path / "a.parquet.part").exists()


def test_a_file_beside_that_is_no_journal_is_left_alone(tmp_path, doubled):
    (tmp_path / "a.parquet.part").write_text("mine\n")
    with pytest.raises(InputError, match="expected what an unfinished profile measured"):
        make_profile(doubled, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet.part").read_text() == "mine\n"


def test_two_processes_do_not_measure_into_one_file(tmp_path, doubled):
    with (tmp_path / "a.parquet.part").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            make_profile(doubled, ["lz4"], tmp_path / "a.parquet")


def test_a_file_that_is_no_profile_is_not_replaced(tmp_path, doubled):
    (tmp_path / "a.parquet").write_text("a letter")
    with pytest.raises(InputError, match=r"a.parquet: expected a profile in Parquet"):
        make_profile(doubled, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_text() == "a letter"
