"""Test this project's own codecs in C: what Linux returns for a page, what the papers say of a line, and any bytes."""

import ctypes
import itertools
import json
import os
import struct
from pathlib import Path

import lz4.block
import numpy as np
import pages as golden
import pytest
import zstandard
from c_tables import CODEC_ERROR, CORRUPT, RANGE, CCodec, least_capacity
from hard_pages import hard_page, noise, numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from zswapsim import InputError, get_compressor
from zswapsim.cli.compressors import info_record
from zswapsim.compressors import available
from zswapsim.traces.recipes import recipe_pages

EXAMPLES = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "sanitize" else 60
LENGTHS = json.loads((Path(__file__).parent / "data" / "zram_lengths.json").read_text())["codecs"]
LINUX = {"lz4": "lz4-linux", "lzo": "lzo", "lzo-rle": "lzo-rle"}
HUGE = 3625  # zram stores a page uncompressed from this length on
OWN = [
    ("lz4-linux", 1),
    ("lz4-linux", 65537),
    ("lzo",),
    ("lzo-rle",),
    ("wkdm", 64),
    ("wkdm", 256),
    ("wkdm", 4096),
    ("bdi", 32),
    ("bdi", 64),
    ("bdi", 4096),
    ("fpc", 64),
    ("fpc", 256),
    ("fpc", 4096),
]


@pytest.fixture(scope="module")
def liblzo2():
    """Debian's liblzo2-2, which only this comparison needs."""
    try:
        return ctypes.CDLL("liblzo2.so.2")
    except OSError as missing:
        pytest.skip(str(missing))


@st.composite
def sources(draw, longest=5000):
    """Draw bytes of any length up to `longest`: noise, runs of zeros, and copies of earlier bytes."""
    data = bytearray()
    length = draw(st.integers(0, longest))
    while len(data) < length:
        kind = draw(st.sampled_from(["noise", "zeros", "near", "far"]))
        much = draw(st.integers(1, draw(st.sampled_from([8, 40, 3000]))))
        if kind == "zeros":
            data += bytes(much)
        elif kind == "noise" or not data:
            data += noise(numbers(draw(st.integers(0, 1 << 32))), much)
        else:
            distance = draw(st.integers(1, min(len(data), 40 if kind == "near" else len(data))))
            piece = data[-distance:]
            data += (piece * (much // distance + 1))[:much]
    return bytes(data[:length])


# ---- lengths of Linux --------------------------------------------------------------------------------------------


def kernel_pages(recipe, count):
    if recipe == "hard":
        return [hard_page(index) for index in range(count)]
    return [page.tobytes() for page in recipe_pages(recipe, count)]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", list(LENGTHS["lz4"]))
@pytest.mark.parametrize("name", list(LINUX))
def test_every_page_has_the_length_that_linux_gives_it(name, recipe):
    """Compare with `data/zram_lengths.json`: by how much each page raised compr_data_size of Linux 6.18's zram."""
    codec = get_compressor(LINUX[name])
    ours = []
    for page in kernel_pages(recipe, len(LENGTHS[name][recipe])):
        same_filled = page[8:] == page[:-8]
        packed = None if same_filled else codec.compress(page)
        ours.append(0 if same_filled else len(packed) if packed and len(packed) < HUGE else 4096)
    assert ours == LENGTHS[name][recipe]


@pytest.mark.slow
@settings(max_examples=200)
@given(data=sources())
def test_lz4_linux_blocks_are_lz4_blocks(data):
    code, packed = CCodec("lz4-linux", 1).compress(data)
    assert code == len(packed)
    assert lz4.block.decompress(packed, uncompressed_size=len(data)) == data


@pytest.mark.slow
@settings(max_examples=200)
@given(data=sources(), mode=st.sampled_from(["default", "fast", "high_compression"]))
def test_lz4_linux_reads_what_liblz4_writes(data, mode):
    packed = lz4.block.compress(data, store_size=False, mode=mode)
    assert CCodec("lz4-linux", 1).decompress(packed, len(data)) == (len(data), data)


def lzo2(library, data):
    out = ctypes.create_string_buffer(least_capacity(len(data)) + 3)
    length = ctypes.c_ulong()
    work = ctypes.create_string_buffer(1 << 18)
    assert library.lzo1x_1_15_compress(data, ctypes.c_ulong(len(data)), out, ctypes.byref(length), work) == 0
    return out.raw[: length.value]


@pytest.mark.slow
@settings(max_examples=300)
@given(data=sources())
def test_lzo_is_that_of_liblzo2(liblzo2, data):
    """Below 64 bytes liblzo2 sometimes searches for no match at all; no page is that short."""
    packed = CCodec("lzo").compress(data)[1]
    if len(data) >= 64:
        assert packed == lzo2(liblzo2, data)
    if data:
        out, length = ctypes.create_string_buffer(len(data)), ctypes.c_ulong(len(data))
        code = liblzo2.lzo1x_decompress_safe(packed, ctypes.c_ulong(len(packed)), out, ctypes.byref(length), None)
        assert (code, length.value, out.raw) == (0, len(data), data)


def test_lzo_of_pages_and_long_sources_is_that_of_liblzo2(liblzo2):
    codec = CCodec("lzo")
    for index in range(60):
        assert codec.compress(hard_page(index))[1] == lzo2(liblzo2, hard_page(index))
    for count in (11, 12, 13, 24, 40):  # a block ends after 49,152 bytes
        data = b"".join(hard_page(index % 9) for index in range(count)) + b"tail"
        packed = codec.compress(data)[1]
        assert packed == lzo2(liblzo2, data)
        assert codec.decompress(packed, len(data)) == (len(data), data)


# ---- streams by hand ---------------------------------------------------------------------------------------------


def test_an_lz4_block_by_hand():
    codec = CCodec("lz4-linux", 1)
    # Decode 3 literals, then 10 bytes from 3 back; the last 5 bytes are literals.
    block = b"\x36abc\x03\x00\x50final"
    assert codec.decompress(block, 18) == (18, b"abcabcabcabca" + b"final")
    assert codec.decompress(block, 17) == (CORRUPT, b"")
    assert codec.decompress(b"\x36abc\x04\x00\x50final", 18) == (CORRUPT, b"")
    assert codec.decompress(b"\x36abc\x00\x00\x50final", 18) == (CORRUPT, b"")
    assert codec.decompress(b"\x00", 0) == (0, b"")
    assert codec.decompress(b"", 10) == (CORRUPT, b"")


def test_lzo_streams_by_hand():
    """Decode the instructions of Documentation/staging/lzo.rst. Far matches need long sources."""
    codec = CCodec("lzo")
    end = b"\x11\0\0"
    first = bytes([17 + 8]) + b"01234567"
    cases = [
        (end, b""),
        (first + end, b"01234567"),
        (b"\x05" + b"01234567" + end, b"01234567"),
        (b"\0\x01" + b"0123456789abcdefghi" + end, b"0123456789abcdefghi"),
        (first + bytes([64 | 32 | 2 << 2 | 1, 0]) + b"x" + end, b"01234567" + b"5675" + b"x"),  # 4 from 3 back
        (first + bytes([128 | 3 << 5 | 7 << 2, 0]) + end, b"01234567" * 2),  # 8 from 8 back
        (first + b"\x24\x1e\0" + b"yz" + end, b"01234567" + b"012345" + b"yz"),  # 6 bytes from 8 back, and 2 literals
        (first + b"\x20\x01\0\0" + end, b"01234567" + b"7" * 34),  # 34 from 1 back
        (bytes([17 + 2]) + b"ab" + b"\x04\0" + end, b"ab" + b"ab"),  # 2 bytes from 2 back, after literals
    ]
    for stream, data in cases:
        assert codec.decompress(stream, len(data)) == (len(data), data), stream
        if data:
            assert codec.decompress(stream, len(data) - 1)[0] == CORRUPT
    damaged = (
        b"",
        b"\x11",
        b"\x11\0",
        end + b"\0",
        first,
        first + end[:2],
        b"\x12\0\0" + end,
        first + b"\x40\x01" + end,
    )
    for bad in damaged:
        assert codec.decompress(bad, 100) == (CORRUPT, b""), bad
    # Decode 3 bytes from 2049 back, after at least 4 literals.
    data = noise(numbers(5), 2100)
    long = b"\0" + b"\0" * ((2100 - 18) // 255) + bytes([(2100 - 18) % 255])
    assert codec.decompress(long + data + b"\0\0" + end, 2103) == (2103, data + data[51:54])


def test_a_run_of_zeros_by_hand():
    codec = CCodec("lzo-rle")
    start, end = b"\x11\x01" + bytes([17 + 4]) + b"abcd", b"\x11\0\0"
    for length in (4, 11, 12, 2051):
        run = bytes([0x18 | (length - 4) & 7, 0xFC | 1, 0xFF, (length - 4) >> 3]) + b"x"
        data = b"abcd" + bytes(length) + b"x"
        assert codec.decompress(start + run + end, len(data)) == (len(data), data)
        assert codec.decompress(start + run + end, len(data) - 2) == (CORRUPT, b"")
    assert codec.decompress(b"\x11\x02" + start[2:] + end, 100) == (CORRUPT, b"")  # an unknown version
    version_0 = bytes([17 + 4]) + b"abcd" + b"\x18\xfc\xff\x00" + end
    assert codec.decompress(version_0, 100) == (CORRUPT, b"")  # as LZO-RLE it is a far match


def test_long_runs_of_zeros_are_single_instructions():
    code, packed = CCodec("lzo-rle").compress(b"abcdefgh" + bytes(2051) + b"ijkl" + bytes(100) + noise(numbers(1), 30))
    assert packed[:2] == b"\x11\x01"
    assert b"\x1f\xfc\xff\xff" in packed
    assert code < 70


# ---- any length, any capacity, any bytes -------------------------------------------------------------------------


@pytest.mark.parametrize("made", OWN, ids=str)
@settings(max_examples=EXAMPLES)
@given(data=sources())
def test_any_source_comes_back_or_is_refused(made, data):
    codec = CCodec(*made)
    code, packed = codec.compress(data)
    assert code == len(packed)
    if code or made[0].startswith("lz"):
        assert codec.decompress(packed, len(data)) == (len(data), data)
        assert codec.decompress(packed, len(data) + 100) == (len(data), data)
        if data:
            assert codec.decompress(packed, len(data) - 1)[0] in (CORRUPT, 0)
    else:
        assert len(data) % 64 or not data


@pytest.mark.parametrize("made", OWN, ids=str)
def test_every_short_source_comes_back(made):
    codec = CCodec(*made)
    for length, kind in itertools.product(range(1, 200), range(3)):
        data = [bytes(length), noise(numbers(length), length), (b"abcdefg" * 30)[:length]][kind]
        code, packed = codec.compress(data)
        if code or made[0].startswith("lz"):
            assert codec.decompress(packed, length) == (length, data)


@pytest.mark.parametrize("made", OWN, ids=str)
@settings(max_examples=EXAMPLES)
@given(data=sources(), draw=st.data())
def test_damaged_bytes_stay_within_their_buffers(made, data, draw):
    codec = CCodec(*made)
    packed = bytearray(codec.compress(data)[1] or data or b"\0")
    for _ in range(draw.draw(st.integers(1, 5))):
        packed[draw.draw(st.integers(0, len(packed) - 1))] = draw.draw(st.integers(0, 255))
    cut = packed[: draw.draw(st.integers(0, len(packed)))]
    for bad in (bytes(packed), bytes(cut), noise(numbers(len(data)), len(packed))):
        for capacity in (len(data), 4096, 0, 40):
            assert codec.decompress(bad, capacity)[0] >= CORRUPT


@pytest.mark.parametrize("made", OWN, ids=str)
def test_the_least_capacity_is_enough_and_less_is_refused(made):
    codec = CCodec(*made)
    for data in (noise(numbers(7), 4096), bytes(4096), hard_page(0)):
        code, packed = codec.compress(data)
        assert code > 0
        assert codec.decompress(packed, 4096) == (4096, data)
        assert codec.compress(data, least_capacity(4096) - 1) == (CODEC_ERROR, b"")


def test_a_source_that_lzo_rle_makes_longer_than_the_least_capacity():
    """Four bytes and four zeros in alternation take nine bytes, unless a byte before the zeros repeats."""
    draw = numbers(3)
    data = b"".join(bytes(byte | 1 for byte in noise(draw, 3)) + bytes([last]) + bytes(4) for last in range(1, 256))
    codec = CCodec("lzo-rle")
    code, packed = codec.compress(data, 8192)
    assert code > least_capacity(len(data))
    assert codec.decompress(packed, len(data)) == (len(data), data)
    assert codec.compress(data) == (0, b"")


def test_lz4_linux_is_for_sources_up_to_64_kib():
    data = b"".join(hard_page(index) for index in range(16))
    codec = CCodec("lz4-linux", 1)
    packed = codec.compress(data)[1]
    assert codec.decompress(packed, 65536) == (65536, data)
    assert codec.compress(data + b"x") == (CODEC_ERROR, b"")


# ---- lines of the papers -----------------------------------------------------------------------------------------


def words(*values, count=16):
    """Make a line, or more, of 32-bit words; the last value repeats."""
    padded = [*values, *[values[-1]] * (count - len(values))]
    return struct.pack(f"<{count}I", *(value & 0xFFFFFFFF for value in padded))


def quads(*values):
    return struct.pack("<8Q", *(value % (1 << 64) for value in values))


@pytest.mark.parametrize(
    ("line", "bits"),
    [
        (words(0), 2 * 6),
        (words(7), 16 * 7),
        (words(-8), 16 * 7),
        (words(8), 16 * 11),
        (words(-128), 16 * 11),
        (words(128), 16 * 19),
        (words(-32768), 16 * 19),
        (words(0x12340000), 16 * 19),
        (words(0x007FFF80), 16 * 19),
        (words(0xABABABAB), 16 * 11),
        (words(0x12345678), 64 * 8),  # 35 bits a word: it is stored uncompressed
        (words(1, 0, 0, 0, 0x12345678, 0), 7 + 6 + 35 + 6 + 6),
    ],
)
def test_the_patterns_of_fpc(line, bits):
    """Check Alameldeen and Wood 2004, table 1: three bits of prefix and 3, 4, 8, 16, 16, 16, 8 or 32 of data."""
    code, packed = CCodec("fpc", 64).compress(line)
    assert code == 2 + -(-bits // 8)
    assert CCodec("fpc", 64).decompress(packed, 64) == (64, line)


@pytest.mark.parametrize(
    ("line", "form", "length"),
    [
        (bytes(64), 0, 0),
        (quads(*[0x1234567812345678] * 8), 1, 8),
        (quads(*(0x7F0000001000 + 8 * i for i in range(8))), 2, 16 + 1),
        (quads(*(0x7F0000001000 + 4096 * i for i in range(8))), 3, 24 + 1),
        (quads(*(0x7F0000001000 + (i << 28) for i in range(8))), 4, 40 + 1),
        (words(*(0x12345600 + i for i in range(16))), 5, 20 + 2),
        (words(*(0x12345600 + 999 * i for i in range(16))), 6, 36 + 2),
        (struct.pack("<32H", *(0x7700 + 3 * i for i in range(32))), 7, 34 + 4),
        (noise(numbers(9), 64), 15, 64),
    ],
)
def test_the_forms_of_bdi(line, form, length):
    """Check Pekhimenko et al. 2012, table 2: the paper's number and size, and one bit a value."""
    code, packed = CCodec("bdi", 64).compress(line)
    assert (packed[2], code) == (form, 2 + 1 + length)
    assert CCodec("bdi", 64).decompress(packed, 64) == (64, line)


def test_bdi_takes_small_numbers_from_zero():
    """Compress pointers and small integers in one line: section 4.2, the immediate of the name."""
    line = quads(0x7F0000001000, 1, 0x7F0000001010, 0, 2, 0x7F0000001020, -3, 0x7F0000001030)
    assert CCodec("bdi", 64).compress(line)[1][2] == 2


def test_what_wkdm_finds():
    """Compress zeros; a word missed; the same; its upper 22 bits; two bits each, 32, 4, and 4 with a third of 32."""
    codec = CCodec("wkdm", 4096)
    assert codec.compress(words(0))[0] == 2 + 4
    assert codec.compress(words(0x12345678, 0))[0] == 2 + 4 + 4
    assert codec.compress(words(0x12345678, 0x12345678, 0))[0] == 2 + 4 + 4 + 1
    assert codec.compress(words(0x12345678, 0x12345679, 0))[0] == 2 + 4 + 4 + 1 + 4
    assert codec.compress(words(*range(1, 17)))[0] == 2 + 4 + 8 + 5 * 4  # the dictionary begins with a small number


@pytest.mark.parametrize("name", ["wkdm", "fpc", "bdi"])
def test_a_line_is_compressed_alone(name):
    """With the granularity of a line, its length does not depend on the lines before it."""
    codec = CCodec(name, 64)
    page = golden.pointers(1)
    lines = [page[at : at + 64] for at in range(0, 4096, 64)]
    alone = [codec.compress(line)[0] - (3 if name == "bdi" else 2) for line in lines]
    table = 32 if name == "bdi" else 64
    assert codec.compress(page)[0] == 2 + table + sum(alone)
    assert codec.compress(b"".join(reversed(lines)))[0] == codec.compress(page)[0]


def test_the_grain_is_a_power_of_two():
    for spec in ("wkdm:grain=100", "bdi:grain=96", "fpc:grain=4095"):
        with pytest.raises(InputError, match=r"refused these parameters \(grain: .*a power of two"):
            get_compressor(spec)
    assert CCodec("fpc", 65).made == RANGE
    assert get_compressor("fpc:grain=64").spec == "fpc"
    assert get_compressor("wkdm").settings == {"grain": 4096}


# ---- zstd --------------------------------------------------------------------------------------------------------


class ZstdParameters(ctypes.Structure):
    """Mirror ZSTD_parameters: seven numbers for the search, three for the frame."""

    _fields_ = [("numbers", ctypes.c_uint * 10)]


def library_file(name):
    """Return the shared object that a codec calls, as `zswapsim compressors` reports it."""
    return next(info_record(info)["library"] for info in available() if info.name == name)


@pytest.mark.parametrize("level", [-5, 1, 3, 7, 12, 19])
def test_zstd_has_the_parameters_for_a_source_of_one_page(level):
    """Make zram's calls: ZSTD_getParams(level, 4096, 0), then a frame with exactly these parameters."""
    codec = get_compressor(f"zstd:level={level}")
    path = library_file("zstd")
    library = ctypes.CDLL(path)
    if not hasattr(library, "ZSTD_compress_advanced"):
        pytest.skip(f"{path} has no ZSTD_compress_advanced")
    library.ZSTD_getParams.restype = ZstdParameters
    library.ZSTD_createCCtx.restype = ctypes.c_void_p
    library.ZSTD_compress_advanced.restype = ctypes.c_size_t
    parameters = library.ZSTD_getParams(level, ctypes.c_ulonglong(4096), ctypes.c_size_t(0))
    assert parameters.numbers[0] <= 12 + (level > 19)  # no window larger than the page
    context = ctypes.c_void_p(library.ZSTD_createCCtx())
    out, size = ctypes.create_string_buffer(8192), ctypes.c_size_t
    for page in (golden.text(1), golden.pointers(2), golden.integers(3), hard_page(3)):
        arguments = (context, out, size(8192), page, size(4096), None, size(0), parameters)
        length = library.ZSTD_compress_advanced(*arguments)
        assert (codec.compress(page) or out.raw[:length]) == out.raw[:length]
    library.ZSTD_freeCCtx(context)


@pytest.mark.parametrize(("source_log", "alike"), [(18, True), (0, False)])
def test_zstd_as_zswap_has_it_is_tuned_for_another_source(source_log, alike):
    """Make the calls of crypto/zstd.c, through the package's own binding: parameters for 2^18 bytes or an unknown size.

    At level 3 the parameters for 2^18 bytes search a page as the parameters for a page do.
    """
    codec = get_compressor(f"zstd:source_log={source_log}")
    size = (1 << source_log) if source_log else 0
    parameters = zstandard.ZstdCompressionParameters.from_level(3, source_size=size)
    binding = zstandard.ZstdCompressor(compression_params=parameters)
    pages = [*recipe_pages("text", 40), *recipe_pages("pointers", 40), *recipe_pages("mix", 40)]
    expected = [len(binding.compress(page.tobytes())) for page in pages]
    made = [codec.compress(page) for page in pages]
    lengths = [4096 if each is None else len(each) for each in made]
    assert lengths == [min(length, 4096) for length in expected]
    as_zram = [len(get_compressor("zstd").compress(page) or bytes(4096)) for page in pages]
    assert (lengths == as_zram) == alike
    assert all(codec.decompress(each) == page.tobytes() for each, page in zip(made, pages, strict=True) if each)


def test_own_codecs_need_no_library():
    for name in ("lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc"):
        assert not library_file(name)
    assert np.frombuffer(get_compressor("lzo").compress(golden.text(0)), np.uint8)[-3:].tolist() == [17, 0, 0]
