"""Keep inputs of the fuzz targets of the codecs: one file a codec, and seeds to begin with.

A file of the corpus has inputs one after another, each after its length in two bytes. `target.c` describes an input.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import lz4.block
import zstandard

from tests.c_tables import CCodec
from tests.hard_pages import KINDS, hard_page, noise, numbers
from zswapsim._core.codec.train import TRAIN_SYMBOLS, train
from zswapsim.compressors.libraries import find_library
from zswapsim.traces.recipes import RECIPES, recipe_pages

CORPUS = Path(__file__).parent / "corpus"
CODECS = ("lz4", "lz4hc", "zstd", "deflate", "lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc", "store")
ANY_BYTES, ROUND_TRIP, PARAMETERS, ONE_ANSWER = range(4)
"""The checks, as in `target.c`."""
TWICE, MASK = 7, 8
"""Ways to make a source, as in `target.c`; those below repeat the bytes."""
LONGEST = (1 << 16) - 1
SETUPS = {"wkdm": (4096, 64, 4096, 64, 256), "bdi": (64, 32, 4096, 64, 256), "fpc": (64, 64, 4096, 64, 256)}
"""The values of `grain` in the first kept setups of `setups.c`."""
Compress = Callable[[bytes], bytes]


def pack_file(codec: str) -> Path:
    return CORPUS / f"{codec}.pack"


def packed(inputs: Iterable[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(2, "little") + each for each in inputs)


def unpacked(data: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 2], "little")
        yield data[at + 2 : at + 2 + length]
        at += 2 + length


def write_folder(folder: Path, inputs: Iterable[bytes]) -> None:
    """Write each input to a file that is named by its content, as libFuzzer names them."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in inputs:
        (folder / hashlib.sha1(each).hexdigest()).write_bytes(each)


def head(what: int, setup: int = 0, first: int = 0, second: int = 0) -> bytes:
    return bytes([what, setup, first, second])


def head_of_room(what: int, setup: int, room: int) -> bytes:
    return head(what, setup, room & 255, room >> 8)


# ---- seeds -------------------------------------------------------------------------------------------------------


def sources() -> list[bytes]:
    """Return short sources of every kind, and some whole pages."""
    pages = [page.tobytes() for name in sorted(RECIPES) for page in recipe_pages(name, 1)]
    hard = [hard_page(index) for index in range(2 * len(KINDS))]
    short = [page[start : start + length] for page in pages + hard for start, length in ((0, 64), (512, 256))]
    ends = [page[-320:] for page in hard]
    return [b"", b"x", b"abcabcabcabcabcabcabcabc final", bytes(40), *short, *ends, *pages, *hard[: len(KINDS)]]


def compressors(codec: str) -> dict[int, Compress]:
    """Return functions that compress a source of any length, by the setup that decompresses what they return."""
    if codec in {"lz4", "lz4hc"}:
        mode = "default" if codec == "lz4" else "high_compression"
        return {0: lambda source: lz4.block.compress(source, store_size=False, mode=mode)}
    if codec == "zstd":
        return {0: zstandard.ZstdCompressor(level=3).compress, 2: zstandard.ZstdCompressor(level=19).compress}
    if codec == "deflate":
        return {0: deflated}
    if codec == "store":
        return {0: bytes}
    grains = SETUPS.get(codec)
    if grains is None:
        return {0: own(CCodec(codec, 1) if codec == "lz4-linux" else CCodec(codec))}
    return {setup: own(CCodec(codec, grain)) for setup, grain in enumerate(grains)}


def own(codec: CCodec) -> Compress:
    return lambda source: codec.compress(source)[1]


def deflated(source: bytes) -> bytes:
    stream = zlib.compressobj(6, zlib.DEFLATED, -11, 8)
    return stream.compress(source) + stream.flush()


def damaged(stream: bytes) -> Iterator[bytes]:
    """Yield a stream cut short, and with a byte changed near its start, its middle and its end."""
    yield stream[: len(stream) * 2 // 3]
    for place in {1, len(stream) // 2, len(stream) - 3}:
        if 0 <= place < len(stream):
            yield stream[:place] + bytes([stream[place] ^ 0x81]) + stream[place + 1 :]


def dictionary() -> bytes:
    """Train a small dictionary of zstd."""
    library = find_library("zstd", TRAIN_SYMBOLS)
    assert library is not None
    return train(library, recipe_pages("text", 200), 1024)


def parameter_seeds(codec: str, streams: list[bytes]) -> Iterator[bytes]:
    """Yield values of parameters with a source; zstd's with a dictionary, and a frame that needs it."""
    text = recipe_pages("text", 1)[0].tobytes()[:256]
    for values in ((0, 0), (1, 3), (32, 9), (64 - 32, 0), (131072 + 3, 12), (131072 + 19, 18)):
        numbers = b"".join(value.to_bytes(4, "little") for value in values)
        yield head(PARAMETERS) + numbers + text
        yield from (head(PARAMETERS) + numbers + stream for stream in streams[4:8])
        if codec == "zstd":
            trained = dictionary()
            yield head(PARAMETERS, 0, len(trained) & 255, len(trained) >> 8) + numbers + trained + text


def distances() -> list[bytes]:
    """Return sources that repeat at every short distance, each a few bytes long; the target repeats them."""
    draw = numbers(1)
    pieces = [noise(draw, length) for length in range(1, 41)]
    return [head(ROUND_TRIP | 2 << 2, 0, 120, 1 if len(piece) % 2 else 0) + piece for piece in pieces]


def far_matches() -> Iterator[bytes]:
    """Yield matches of several lengths at distances that codecs treat differently, up to a folio away."""
    draw = numbers(2)
    for distance in (0x7FF, 0x800, 0x801, 0x3FFF, 0x4000, 0x4001, 0x7FFF, 0x8000, 0xBFFF, 0xC000, 0xFFFF):
        for length in (3, 8, 9, 33, 34, 262, 300):
            yield head(ROUND_TRIP | TWICE << 2, 0, distance & 255, distance >> 8) + noise(draw, length)
    # lzo-rle cuts these, which would look like a run of zeros.
    yield from (head(ROUND_TRIP | TWICE << 2, 0, 0x3F, 0x80) + noise(draw, length) for length in range(258, 267))


def seeds(codec: str) -> Iterator[bytes]:
    """Yield sources of every kind, their compressed forms and damaged ones, each with some of the checks."""
    first: list[bytes] = []
    for setup, compress in compressors(codec).items():
        for source in sources():
            stream = compress(source) or source
            first.append(stream)
            room = min(len(source), 0x1FFF)
            yield head(ROUND_TRIP, setup | 0x80) + source
            yield head_of_room(ONE_ANSWER, setup, room) + stream
            yield head_of_room(ANY_BYTES, setup, min(room + 64, 0x1FFF)) + stream
            yield from (head_of_room(ANY_BYTES, setup, 4096) + bad for bad in damaged(stream))
    for how in range(7):
        for change in ((0, 0), (9, 1), (200, 3)):
            yield head(ROUND_TRIP | how << 2, 0x80, *change) + b"a source that is repeated up to a page or a folio"
    yield from distances()
    yield from far_matches()
    draw = numbers(3)
    growing = (bytes(byte | 1 for byte in noise(draw, 3)) + bytes([last, 0, 0, 0, 0]) for last in range(1, 256))
    yield head(ROUND_TRIP) + b"".join(growing)  # lzo-rle makes it longer than the least capacity
    for mask in (b"\1\1\1\1\0\0\0\0", b"\1" * 3 + bytes(9), b"\1" * 40 + bytes(7), b"\1\0"):
        yield head(ROUND_TRIP | MASK << 2) + mask
    yield from parameter_seeds(codec, first)
