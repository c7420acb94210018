"""Content profiles: each distinct content once, into a file that is gone on with, and read instead of compressing."""

import fcntl
import json
import re
import sys
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plugin_helpers import PLUGINS

from zswapsim import CorruptPageError, InputError, Settings, read_contents, run
from zswapsim._core.codec.measure import measure_pages
from zswapsim.compressors import get_compressor, measure, train_dictionary
from zswapsim.study.compare.compare import combinations, compare
from zswapsim.study.profile import make, make_profile, profile_key, read_profile
from zswapsim.traces import Contents, Trace, write_pages
from zswapsim.traces.recipes import RECIPES

TRACE = "gen:zipf,pages=300,events=4000,alpha=0.8,writes=0.4,seed=5"
LENGTHS = ("size", "same_filled", "zero")
WARM_UP = 8  # pages that measure_pages runs before its clock starts


@pytest.fixture(scope="module")
def mix():
    """200 images, each twice, and those of one word among them."""
    images = read_contents("recipe:mix,pages=200").images
    return Contents(np.concatenate([images, images]), "twice")


@pytest.fixture
def watched(tmp_path, monkeypatch):
    """How often the codec `watched` has been called so far, in any process."""
    monkeypatch.syspath_prepend(PLUGINS / "watched_python")
    monkeypatch.setenv("WATCHED_LOG", str(tmp_path / "calls"))
    yield lambda: (tmp_path / "calls").stat().st_size if (tmp_path / "calls").exists() else 0
    sys.modules.pop("watched", None)


def same_lengths(profile, contents, *specs):
    for spec in specs:
        found, wanted = profile.measured(spec), measure(get_compressor(spec), contents.images)
        for name in LENGTHS:
            assert np.array_equal(getattr(found, name), getattr(wanted, name))
        assert np.array_equal(found.compressed.size, wanted.compressed.size)
    return True  # so that a test says what it asserts


# -- what is measured --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
def test_every_image_has_what_its_content_was_measured_to(mix, threads):
    profile = make_profile(mix, ["lz4", "zstd:level=1"], threads=threads)
    assert same_lengths(profile, mix, "lz4", "zstd:level=1")
    times = profile.measured("lz4").compressed.compress_ns
    assert np.array_equal(times[:200], times[200:400])
    assert (times > 0).all()


def test_duplicates_are_compressed_once(mix, watched):
    profile = make_profile(mix, ["watched"], threads=1)
    distinct = len({image.tobytes() for image in mix.images})
    ranges = -(-distinct // make.RANGE_ROWS)
    assert profile.added == {"watched": distinct}
    assert len(profile.kind) == distinct < len(mix) / 2 + 2
    # A page that took oddly long is measured again, and each range has its warm-up.
    assert distinct <= watched() <= 2 * distinct + WARM_UP * ranges


def test_progress_counts_distinct_contents_of_all_codecs(mix):
    seen = []
    profile = make_profile(mix, ["lz4", "store"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (2 * len(profile.kind), 2 * len(profile.kind))


def test_a_page_that_does_not_come_back_is_named(monkeypatch, mix):
    monkeypatch.syspath_prepend(PLUGINS / "rogue_python")
    with pytest.raises(CorruptPageError, match=r"codec rogue-other-page: page \d+"):
        make_profile(mix, ["rogue-other-page"])
    sys.modules.pop("rogue", None)


def test_no_threads(mix):
    with pytest.raises(InputError, match="--threads 0: expected at least 1"):
        make_profile(mix, ["lz4"], threads=0)


def test_pages_to_measure_are_looked_up_within_bounds(mix):
    arrays = [np.zeros(2, kind) for kind in (np.uint16, np.uint8, np.uint8, np.uint32, np.uint32)]
    with pytest.raises(InputError, match="page 9000: expected one of"):
        measure_pages(get_compressor("lz4"), mix.images, 0, 2, *arrays, np.array([0, 9000], np.uint32))


def test_a_dictionary_is_named_by_its_content(tmp_path, mix):
    (tmp_path / "a").write_bytes(train_dictionary(mix.images, 4096))
    (tmp_path / "b").write_bytes(train_dictionary(mix.images[:150], 2048))
    spec = f"zstd:level=5,dict={tmp_path / 'a'}"
    profile = make_profile(mix, [spec])
    (key,) = profile.columns
    assert re.fullmatch("zstd:level=5,dict=blake2b-[0-9a-f]{16}", key)
    (tmp_path / "a").rename(tmp_path / "moved")
    assert same_lengths(profile, mix, f"zstd:level=5,dict={tmp_path / 'moved'}")
    (tmp_path / "b").rename(tmp_path / "a")
    assert profile_key(get_compressor(spec)) != key
    with pytest.raises(InputError, match=f"profile: holds {key}: expected zstd:level=5,dict=blake2b-"):
        profile.measured(spec)


# -- the file ----------------------------------------------------------------------------------------------------------


def test_a_file_holds_the_profile(tmp_path, mix):
    made = make_profile(mix, ["lz4", "zstd"], tmp_path / "a.parquet")
    found = read_profile(tmp_path / "a.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]
    assert (found.contents_name, found.contents_hash, found.origins) == ("twice", mix.hash, made.origins)
    for name in ("content", "kind", "digest"):
        assert np.array_equal(getattr(found, name), getattr(made, name))
    for key, columns in made.columns.items():
        assert all(np.array_equal(*pair) for pair in zip(columns, found.columns[key], strict=True))
    table = pq.read_table(tmp_path / "a.parquet").to_pylist()
    assert sorted(page for row in table for page in row["pages"]) == list(range(len(mix)))
    assert all(row["lz4"]["size"] == made.measured("lz4").compressed.size[row["pages"][0]] for row in table)


def test_another_codec_is_added_without_measuring_the_first_again(tmp_path, mix, watched):
    path = tmp_path / "a.parquet"
    first = make_profile(mix, ["watched"], path)
    calls = watched()
    both = make_profile(mix, ["watched", "lz4"], path)
    assert watched() == calls
    assert both.added == {"lz4": len(both.kind)}
    assert np.array_equal(both.columns["watched"].compress_ns, first.columns["watched"].compress_ns)
    assert make_profile(mix, ["lz4"], path).added == {}
    assert list(read_profile(path).columns) == ["watched", "lz4"]
    assert make_profile(mix, ["lz4"], path, resume=False).added == {"lz4": len(both.kind)}
    assert list(read_profile(path).columns) == ["lz4"]


def test_another_version_of_a_library_is_measured_anew(tmp_path, mix, monkeypatch):
    path = tmp_path / "a.parquet"
    make_profile(mix, ["lzo", "lz4"], path)
    monkeypatch.setattr(make, "__version__", "99")
    again = make_profile(mix, ["lzo", "lz4"], path)
    assert list(again.added) == ["lzo"]
    assert read_profile(path).origins["lzo"].version == "zswapsim 99"


def test_what_was_measured_survives_an_interrupt(tmp_path, mix, monkeypatch):
    monkeypatch.setattr(make, "RANGE_ROWS", 32)
    path = tmp_path / "a.parquet"

    def interrupt(done, _total):
        if done >= 96:
            raise KeyboardInterrupt

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            make_profile(mix, ["lz4", "zstd"], path, threads=threads, progress=interrupt)
        assert [each.name for each in tmp_path.iterdir()] == ["a.parquet.part"]
    whole = make_profile(mix, ["lz4", "zstd"], path)
    assert sum(whole.added.values()) <= 2 * len(whole.kind) - 2 * 96
    assert same_lengths(whole, mix, "lz4", "zstd")
    assert [each.name for each in tmp_path.iterdir()] == ["a.parquet"]


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory, mix):
    """What an interrupted profile left: bytes of its journal."""
    path = tmp_path_factory.mktemp("unfinished") / "a.parquet"
    with pytest.raises(ZeroDivisionError):
        make_profile(mix, ["lz4", "store"], path, progress=lambda done, total: 1 // (done < total))
    return (path.parent / "a.parquet.part").read_bytes()


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_journal_that_is_cut_or_garbled_anywhere_costs_work_alone(unfinished, mix, tmp_path_factory, data):
    path = tmp_path_factory.mktemp("torn") / "a.parquet"
    torn = bytearray(unfinished[: data.draw(st.integers(0, len(unfinished)))])
    head = unfinished.index(b"\n") + 1
    if len(torn) > head and data.draw(st.booleans()):
        torn[data.draw(st.integers(head, len(torn) - 1))] ^= data.draw(st.integers(1, 255))
    (path.parent / "a.parquet.part").write_bytes(torn)
    assert same_lengths(make_profile(mix, ["lz4", "store"], path, threads=1), mix, "lz4", "store")


def test_what_was_measured_of_other_codecs_stays(tmp_path, unfinished, mix):
    path, part = tmp_path / "a.parquet", tmp_path / "a.parquet.part"
    part.write_bytes(unfinished)
    make_profile(mix, ["lzo"], path)
    assert part.exists()
    assert make_profile(mix, ["lzo"], path).added == {}
    assert part.exists()
    assert make_profile(mix, ["lz4"], path).added == {"lz4": 0}
    assert part.exists(), "store is not in the file yet"
    assert make_profile(mix, ["lz4", "store"], path).added == {"store": 0}
    assert list(read_profile(path).columns) == ["lzo", "lz4", "store"]
    assert not part.exists()


def test_a_file_that_is_refused_takes_no_journal_away(tmp_path, unfinished, mix):
    (tmp_path / "a.parquet.part").write_bytes(unfinished)
    (tmp_path / "a.parquet").write_text("a letter")
    with pytest.raises(InputError, match="expected a profile in Parquet"):
        make_profile(mix, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet.part").read_bytes() == unfinished


def test_a_journal_of_other_contents_is_refused(tmp_path, unfinished, mix):
    (tmp_path / "a.parquet.part").write_bytes(unfinished)
    other = read_contents("recipe:text,pages=20")
    with pytest.raises(InputError, match=rf"a.parquet.part: begun with other contents \(hash {mix.hash}\)"):
        make_profile(other, ["lz4"], tmp_path / "a.parquet")
    make_profile(other, ["lz4"], tmp_path / "a.parquet", resume=False)
    assert not (tmp_path / "a.parquet.part").exists()


def test_a_file_beside_that_is_no_journal_is_left_alone(tmp_path, mix):
    (tmp_path / "a.parquet.part").write_text("mine\n")
    with pytest.raises(InputError, match="expected what an unfinished profile measured"):
        make_profile(mix, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet.part").read_text() == "mine\n"


def test_two_processes_do_not_measure_into_one_file(tmp_path, mix):
    with (tmp_path / "a.parquet.part").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="another process"):
            make_profile(mix, ["lz4"], tmp_path / "a.parquet")


def test_a_file_that_is_no_profile_is_not_replaced(tmp_path, mix):
    (tmp_path / "a.parquet").write_text("a letter")
    with pytest.raises(InputError, match=r"a.parquet: expected a profile in Parquet"):
        make_profile(mix, ["lz4"], tmp_path / "a.parquet")
    assert (tmp_path / "a.parquet").read_text() == "a letter"


# -- files that are wrong ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory, mix):
    path = tmp_path_factory.mktemp("written") / "a.parquet"
    make_profile(mix, ["lz4"], path)
    return path


def column(table, name, values):
    return table.set_column(table.schema.names.index(name), name, pa.chunked_array([values]))


def codec(table, **changes):
    """The codec's column with other fields."""
    fields = dict(zip(("size", "compress_ns", "decompress_ns"), table["lz4"].combine_chunks().flatten(), strict=True))
    fields |= changes
    return column(table, "lz4", pa.StructArray.from_arrays(list(fields.values()), list(fields)))


def about(table, **changes):
    known = json.loads(table.schema.metadata[b"zswapsim.profile"]) | changes
    return table.replace_schema_metadata({"zswapsim.profile": json.dumps(known)})


def first(values, value):
    """An array with another value in its first row."""
    return pa.array([value, *values.to_pylist()[1:]], values.type)


def chunk(table, name):
    return table[name].combine_chunks()


WRONG = {
    "no metadata": (lambda t: t.replace_schema_metadata({}), "metadata: expected zswapsim.profile"),
    "garbled metadata": (
        lambda t: t.replace_schema_metadata({"zswapsim.profile": b"\xff{"}),
        "metadata zswapsim.profile: ",
    ),
    "metadata of another type": (lambda t: about(t, pages="x"), "metadata zswapsim.profile: "),
    "another version": (lambda t: about(t, version=9), "a profile of version 9: expected 1"),
    "other pages": (lambda t: about(t, pages=7), "column pages: expected 0 to 6"),
    "no pages": (lambda t: about(t, pages=0), "metadata zswapsim.profile: "),
    "more pages": (lambda t: about(t, pages=9000), "column pages: expected 9000 pages in all"),
    "too many pages": (lambda t: about(t, pages=1 << 70), "metadata zswapsim.profile: "),
    "another hash": (lambda t: about(t, contents_hash="00"), "column hash: expected hashes that come to 00"),
    "a codec too many": (
        lambda t: about(t, codecs={"zstd": {"library": "", "version": "", "cpu": ""}}),
        "column zstd: expected one such column, got hash, kind, pages, lz4",
    ),
    "no rows": (lambda t: t.slice(0, 0), "column pages: expected "),
    "a row less": (lambda t: t.slice(1), "column pages: expected "),
    "rows in another order": (lambda t: t.take(list(range(t.num_rows))[::-1]), "column pages: expected each page once"),
    "hash as text": (lambda t: column(t, "hash", pa.array(["x"] * t.num_rows)), "column hash: expected fixed_size_b"),
    "a hash of none": (lambda t: column(t, "hash", first(chunk(t, "hash"), None)), "column hash: expected a value"),
    "kind as float": (lambda t: column(t, "kind", chunk(t, "kind").cast("double")), "column kind: expected uint8"),
    "a kind that is none": (lambda t: column(t, "kind", first(chunk(t, "kind"), 99)), "column kind: expected 0 to 9"),
    "a kind of none": (lambda t: column(t, "kind", first(chunk(t, "kind"), None)), "column kind: expected a value"),
    "pages as numbers": (lambda t: column(t, "pages", chunk(t, "kind")), "column pages: expected list<uint32>"),
    "a row without pages": (lambda t: column(t, "pages", first(chunk(t, "pages"), [])), "column pages: expected "),
    "pages of none": (lambda t: column(t, "pages", first(chunk(t, "pages"), None)), "column pages: expected a value"),
    "a page of none": (lambda t: column(t, "pages", first(chunk(t, "pages"), [0, None])), "column pages: expected a v"),
    "a page twice": (lambda t: column(t, "pages", first(chunk(t, "pages"), [0, 0])), "column pages: expected each"),
    "a codec as number": (lambda t: column(t, "lz4", chunk(t, "kind")), "column lz4: expected struct<size: uint16"),
    "a field less": (
        lambda t: column(t, "lz4", pa.StructArray.from_arrays([chunk(t, "lz4").field("size")], ["size"])),
        "column lz4: expected struct<size: uint16",
    ),
    "sizes of another type": (
        lambda t: codec(t, size=chunk(t, "lz4").field("size").cast("int64")),
        "column lz4: expected struct<size: uint16",
    ),
    "a size of 0": (lambda t: codec(t, size=first(chunk(t, "lz4").field("size"), 0)), "column lz4.size: expected 1 to"),
    "a size too large": (
        lambda t: codec(t, size=first(chunk(t, "lz4").field("size"), 4097)),
        "column lz4.size: expected 1 to 4096, got 4097 in row 0",
    ),
    "a time of none": (
        lambda t: codec(t, compress_ns=first(chunk(t, "lz4").field("compress_ns"), None)),
        "column lz4.compress_ns: expected a value in every row",
    ),
    "a codec of none": (lambda t: column(t, "lz4", first(chunk(t, "lz4"), None)), "column lz4: expected a value"),
    "a column twice": (lambda t: t.append_column("kind", chunk(t, "kind")), "column kind: expected one such column"),
    **{
        f"no column {name}": (lambda t, name=name: t.drop_columns([name]), f"column {name}: expected one such column")
        for name in ("hash", "kind", "pages", "lz4")
    },
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_that_does_not_hold_together_is_refused_in_one_line(tmp_path, written, wrong):
    change, said = WRONG[wrong]
    pq.write_table(change(pq.read_table(written)), tmp_path / "wrong.parquet")
    with pytest.raises(InputError) as caught:
        read_profile(tmp_path / "wrong.parquet")
    assert str(caught.value).startswith(f"{tmp_path / 'wrong.parquet'}: {said}")
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_file_that_is_cut_or_garbled_is_refused_or_means_the_same(written, tmp_path_factory, data):
    whole = bytearray(written.read_bytes())
    if data.draw(st.booleans(), label="cut"):
        whole = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path_factory.mktemp("garbled") / "a.parquet"
    path.write_bytes(whole)
    try:
        found = read_profile(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        assert "\n" not in str(error)
    else:
        assert np.array_equal(found.content, read_profile(written).content)
        assert found.contents_hash == read_profile(written).contents_hash


@pytest.mark.parametrize("path", ["missing.parquet", ".", "nul\0l"])
def test_what_is_no_file_is_refused(tmp_path, path):
    with pytest.raises(InputError):
        read_profile(f"{tmp_path}/{path}")


# -- runs that read it -------------------------------------------------------------------------------------------------

BACKENDS = ["private-node", "zswap:max_pool_percent=40", "zram:algorithms=watched,recompress_every=500", "disk"]


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_comparison_with_a_profile_compresses_nothing(tmp_path, mix, watched, processes):
    pages = tmp_path / "a.pages"
    write_pages(pages, [mix.images])
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


def test_a_run_with_a_profile_compresses_nothing(mix, watched):
    profile = make_profile(mix, ["watched"])
    calls = watched()
    for backend in ("private-node", "zram"):
        run(TRACE, mix, Settings(depth="sizes", compressor="watched", backend=backend), measured=profile)
    assert watched() == calls
    run(TRACE, mix, Settings(depth="sizes", compressor="watched"))
    assert watched() > calls


@pytest.mark.parametrize("recipe", RECIPES)
def test_contents_of_a_profile_go_on_as_the_pages_do(recipe):
    contents = read_contents(f"recipe:{recipe},pages=60")
    without = make_profile(contents, []).contents()
    for name in ("next_image", "kind", "content", "digest"):
        assert np.array_equal(getattr(without, name), getattr(contents, name))
    assert (len(without), without.hash, without.holds_bytes) == (len(contents), contents.hash, False)


def test_bytes_need_pages(mix):
    profile = make_profile(mix, ["lz4"])
    with pytest.raises(InputError, match="--depth bytes: a profile holds no pages"):
        run(TRACE, None, Settings(), measured=profile)
    with pytest.raises(InputError, match="--depth bytes: a profile holds no pages"):
        compare(TRACE, None, [Settings(depth="sizes"), Settings()], profile=profile)


class Unread(Trace):
    name, events = "unread", None

    def chunks(self):
        pytest.fail("the trace was read")


@pytest.mark.parametrize("backend", ["private-node", "zram:algorithms=zstd", "private-node/zswap"])
def test_a_codec_that_was_not_measured_is_told_before_the_trace_is_read(mix, backend):
    profile = make_profile(mix, ["store"])
    asked = Settings(depth="sizes", backend=backend, compressor="lz4")
    for work in (run, lambda *a, measured: compare(a[0], a[1], [a[2]], profile=measured)):
        with pytest.raises(InputError, match=r"profile: holds store: expected lz4 too \(zswapsim profile adds it\)"):
            work(Unread(), mix, asked, measured=profile)


def test_other_contents_are_refused_before_the_trace_is_read(mix):
    profile = make_profile(mix, ["lz4"])
    with pytest.raises(
        InputError, match=r"profile: a profile of other contents \(twice, \d+ pages, hash \w+\): expect"
    ):
        run(Unread(), "recipe:text,pages=9", Settings(depth="sizes"), measured=profile)


def test_lengths_of_one_codec_still_do(mix):
    """As a caller has them that measured by itself; what else is needed is measured then."""
    lengths = measure(get_compressor("lz4"), mix.images)
    asked = Settings(depth="sizes", backend="zram:algorithms=zstd,recompress_every=500")
    profile = make_profile(mix, ["lz4", "zstd"])
    assert run(TRACE, mix, asked, measured=lengths).counters == run(TRACE, mix, asked, measured=profile).counters
    asked = Settings(depth="sizes", backend="zswap")
    with pytest.raises(InputError, match="not known what same-filled pages compress to"):
        run(TRACE, mix, asked, measured=replace(lengths, compressed=None))
