"""Check the built-in codecs: pages come out as they went in, and no bytes make a codec crash."""

import ctypes
import pickle
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pages as golden
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zswapsim import CodecError, CorruptPageError, InputError
from zswapsim._core.codec.codec import Codec, CodecTable, builtin_tables, table_of_capsule, table_of_class
from zswapsim._core.codec.library import Library
from zswapsim._core.codec.plugin import PythonCodec
from zswapsim.compressors import available, get_compressor, train_dictionary

MISSING = {info.name: info.missing for info in available() if info.missing}
SPECS = [
    "lz4",
    "lz4:acceleration=65537",
    "lz4hc",
    "lz4hc:level=3",
    "lz4hc:level=12",
    "zstd",
    "zstd:level=-131072",
    "zstd:level=-5",
    "zstd:level=22",
    "deflate",
    "deflate:level=1,window=9",
    "deflate:level=9,window=15",
    "lz4-linux",
    "lz4-linux:acceleration=100",
    "lzo",
    "lzo-rle",
    "wkdm",
    "wkdm:grain=64",
    "bdi",
    "bdi:grain=4096",
    "fpc",
    "fpc:grain=4096",
    "store",
]
SMALLER = ["lz4", "lz4hc", "zstd", "deflate", "lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc"]
RECIPES = ["zero", "pattern", "noise", "text", "pointers", "floats", "integers", "sparse", "half", "mix"]


@st.composite
def page_bytes(draw):
    """Draw pages of all sorts: a repeated piece of any length, with some bytes changed and some noise spliced in."""
    piece = draw(st.binary(min_size=1, max_size=draw(st.sampled_from([1, 8, 60, 700, 4096]))))
    page = bytearray((piece * (4096 // len(piece) + 1))[:4096])
    for place, value in draw(st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), max_size=20)):
        page[place] = value
    noise = draw(st.integers(0, 4096))
    start = draw(st.integers(0, 4096 - noise))
    page[start : start + noise] = np.random.default_rng(draw(st.integers(0, 1 << 32))).bytes(noise)
    return bytes(page)


def codec_of(spec):
    name = spec.partition(":")[0]
    if name in MISSING:
        pytest.skip(MISSING[name])
    return get_compressor(spec)


@pytest.fixture(scope="module")
def dictionary(tmp_path_factory):
    images = np.frombuffer(b"".join(map(golden.text, range(60))), np.uint8).reshape(-1, 4096)
    path = tmp_path_factory.mktemp("dictionary") / "text.dict"
    path.write_bytes(train_dictionary(images, 4096))
    return path


# ---- round trips -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=40)
@given(page=page_bytes())
def test_a_page_comes_back(spec, page):
    codec = codec_of(spec)
    packed = codec.compress(page)
    if packed is not None:
        assert 0 < len(packed) < 4096
        assert codec.decompress(packed) == page


@pytest.mark.parametrize("spec", SPECS)
def test_golden_pages_come_back(spec):
    codec = codec_of(spec)
    for recipe in RECIPES:
        for index in range(3):
            page = golden.page(recipe, index)
            packed = codec.compress(page)
            assert packed is None or codec.decompress(packed) == page
            assert recipe != "noise" or packed is None


@settings(max_examples=30)
@given(page=page_bytes(), level=st.sampled_from([-131072, -1, 1, 3, 9, 22]))
def test_a_page_comes_back_through_a_dictionary(dictionary, page, level):
    codec = get_compressor(f"zstd:level={level},dict={dictionary}")
    packed = codec.compress(page)
    assert packed is None or codec.decompress(packed) == page


def test_a_page_of_another_dictionary_is_corrupt(dictionary):
    packed = get_compressor(f"zstd:level=9,dict={dictionary}").compress(golden.text(99))
    with pytest.raises(CorruptPageError):
        get_compressor("zstd").decompress(packed)


def test_the_same_page_gives_the_same_bytes_whatever_came_before():
    rng = np.random.default_rng(3)
    for spec in SPECS:
        codec = codec_of(spec)
        first = codec.compress(golden.text(1))
        codec.compress(rng.bytes(4096))
        assert codec.compress(golden.text(1)) == first


def test_lz4_blocks_are_those_of_the_library():
    """Call LZ4_compress_default or LZ4_compress_HC directly."""
    page = golden.text(5)
    for spec, function, more in (("lz4", "LZ4_compress_default", ()), ("lz4hc", "LZ4_compress_HC", (9,))):
        codec = codec_of(spec)
        out = ctypes.create_string_buffer(8192)
        length = getattr(ctypes.CDLL(codec.library.path), function)(page, out, 4096, 8192, *more)
        assert codec.compress(page) == out.raw[:length]


def test_zstd_frames_hold_the_size_and_neither_checksum_nor_dictionary():
    """Check the header that Linux writes: a single segment, 2 bytes of content size (4096 - 256)."""
    packed = codec_of("zstd").compress(golden.text(5))
    assert packed[:7] == bytes.fromhex("28b52ffd60000f")
    zstandard = pytest.importorskip("zstandard")
    assert zstandard.ZstdCompressor(level=3).compress(golden.text(5)) == packed


def test_deflate_is_bare():
    import zlib

    packed = codec_of("deflate").compress(golden.text(5))
    assert zlib.decompress(packed, wbits=-11) == golden.text(5)


def test_store_keeps_every_page_as_it_is():
    codec = get_compressor("store")
    assert codec.compress(bytes(4096)) is None
    assert codec.decompress(golden.text(0)) == golden.text(0)
    assert codec.library is None


# ---- corrupt input -----------------------------------------------------------------------------------------------


def decompress_or_refuse(codec, data):
    with suppress(CorruptPageError):
        assert len(codec.decompress(data)) == 4096


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=60)
@given(data=st.binary(min_size=1, max_size=5000))
def test_any_bytes_are_a_page_or_corrupt(spec, data):
    decompress_or_refuse(codec_of(spec), data)


@pytest.mark.parametrize("spec", SMALLER)
@settings(max_examples=100)
@given(page=page_bytes(), data=st.data())
def test_damaged_bytes_are_a_page_or_corrupt(spec, page, data):
    codec = codec_of(spec)
    packed = bytearray(codec.compress(page) or page)
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] ^= data.draw(st.integers(1, 255))
    decompress_or_refuse(codec, bytes(packed))
    decompress_or_refuse(codec, bytes(packed[: data.draw(st.integers(1, len(packed)))]))


@pytest.mark.parametrize("spec", SMALLER)
def test_every_truncation_is_corrupt(spec):
    codec = codec_of(spec)
    packed = codec.compress(golden.pointers(2))
    for length in range(1, len(packed), 7):
        with pytest.raises(CorruptPageError):
            codec.decompress(packed[:length])


def test_damaged_bytes_through_a_dictionary(dictionary):
    codec = get_compressor(f"zstd:dict={dictionary}")
    packed = bytearray(codec.compress(golden.text(70)))
    for place in range(len(packed)):
        packed[place] ^= 0x55
        decompress_or_refuse(codec, packed)
        packed[place] ^= 0x55


# ---- invalid calls -----------------------------------------------------------------------------------------------


def test_pages_of_another_size_are_refused():
    codec = get_compressor("lz4")
    for page in (b"", bytes(4095), bytes(8192)):
        with pytest.raises(InputError, match=f"page of {len(page)} bytes: expected 4096"):
            codec.compress(page)
    for data in (b"", bytes(8193)):
        with pytest.raises(InputError, match="compressed page of"):
            codec.decompress(data)


@pytest.mark.parametrize("page", ["text", None, 4096, np.zeros((64, 64), np.uint8), np.zeros(512), bytes])
def test_what_is_no_page_is_a_plain_python_error(page):
    for call in (get_compressor("lz4").compress, get_compressor("lz4").decompress):
        with pytest.raises((TypeError, ValueError, BufferError)):
            call(page)


def test_pages_may_come_from_any_buffer():
    codec = get_compressor("lz4")
    page = golden.text(3)
    packed = codec.compress(page)
    for same in (bytearray(page), memoryview(page), np.frombuffer(page, np.uint8)):
        assert codec.compress(same) == packed


def test_nothing_half_made_can_be_used():
    tables = builtin_tables()
    with pytest.raises(InputError, match="an empty table"):
        Codec(CodecTable())
    with pytest.raises(InputError, match="expected a library opened with its symbols"):
        Codec(tables["lz4"])
    with pytest.raises(InputError, match="expected a library opened with its symbols"):
        Codec(tables["store"], {}, get_compressor("lz4").library)
    for call in (Codec, lambda: Codec.__new__(Codec), lambda: Codec(None), lambda: Library.__new__(Library)):
        with pytest.raises(TypeError):
            call()
    for call in (
        lambda: PythonCodec(None, None, None),
        lambda: Library(None, ()),
        lambda: table_of_class(None, 1, 2, "x"),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("thing", [None, 1, "text", object(), pickle])
def test_what_is_no_capsule_is_refused(thing):
    with pytest.raises(CodecError, match=r"plug-in x: expected a capsule named zswapsim\.codec\.v1"):
        table_of_capsule(thing, "plug-in x")


def test_values_of_a_codec_are_checked_whoever_makes_it():
    table, library = builtin_tables()["lz4"], get_compressor("lz4").library
    for value in (0, 65538, -(1 << 80), 1 << 80):
        with pytest.raises(InputError, match="expected 1 to 65537"):
            Codec(table, {"acceleration": value}, library)
    for value in (1.0, "1", None, True):
        with pytest.raises(InputError, match="expected an integer"):
            Codec(table, {"acceleration": value}, library)
    with pytest.raises(InputError, match="unknown parameter 'dict'"):
        Codec(table, {}, library, b"x", "file")


def test_a_codec_without_a_way_back_is_not_pickled():
    with pytest.raises(TypeError, match="made without `reopen`"):
        pickle.dumps(Codec(builtin_tables()["store"]))


def test_a_library_that_cannot_be_opened():
    with pytest.raises(OSError, match="no_such_file"):
        Library("/no_such_file.so", ("f",))
    with pytest.raises(OSError, match="no symbol zsw_no_such_function"):
        Library(get_compressor("lz4").library.path, ("zsw_no_such_function",))
    assert Library(get_compressor("lz4").library.path, (), "abort").version == ""
    assert Path(get_compressor("lz4").library.path).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SMALLER, "store", "python"])
def test_contexts_and_codecs_leave_no_memory_behind(name, dictionary):
    """The first rounds may grow the heap. 600 more may grow it by less than 600 of the smallest contexts take."""

    class Kept:
        def compress(self, page):
            return page[:100]

        def decompress(self, data):
            raise ValueError(data)

    def make():
        if name == "python":
            return Codec(table_of_class(name, Kept, {}, name))
        return codec_of(f"zstd:dict={dictionary}" if name == "zstd" else name)

    def work(rounds):
        for _ in range(rounds):
            codec = make()
            packed = codec.compress(golden_page)
            with suppress(CodecError, CorruptPageError):
                codec.decompress(packed or golden_page)
                codec.decompress(b"\xff" * 50)

    golden_page = golden.text(9)
    process = psutil.Process()
    work(100)
    before = process.memory_info().rss
    work(600)
    assert process.memory_info().rss - before < 4 << 20


def test_one_codec_serves_many_threads():
    codec = get_compressor("zstd")
    wrong = []

    def work(seed):
        for index in range(seed, seed + 40):
            page = golden.page("text", index)
            if codec.decompress(codec.compress(page)) != page:
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(100 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
