"""Read profiles that are wrong or damaged: each is refused in one line that names the file."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zswapsim import InputError
from zswapsim.study.profile import make_profile, read_profile


@pytest.fixture(scope="module")
def written(tmp_path_factory, doubled):
    path = tmp_path_factory.mktemp("written") / "a.parquet"
    make_profile(doubled, ["lz4"], path)
    return path


def column(table, name, values):
    return table.set_column(table.schema.names.index(name), name, pa.chunked_array([values]))


def codec(table, **changes):
    """Replace fields of the codec's column."""
    fields = dict(zip(("size", "compress_ns", "decompress_ns"), table["lz4"].combine_chunks().flatten(), strict=True))
    fields |= changes
    return column(table, "lz4", pa.StructArray.from_arrays(list(fields.values()), list(fields)))


def about(table, **changes):
    known = json.loads(table.schema.metadata[b"zswapsim.profile"]) | changes
    return table.replace_schema_metadata({"zswapsim.profile": json.dumps(known)})


def first(values, value):
    """Replace the value in the first row of an array."""
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
