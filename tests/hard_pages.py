"""Make pages that are hard on codecs: run lengths, distances and ends at the limits. They are the same everywhere."""

from collections.abc import Iterator

PAGE = 4096
RUNS = (1, 2, 3, 4, 5, 8, 17, 100, 300, 2047, 2051, 2052, 2060)
COPIES = (3, 4, 5, 6, 7, 8, 9, 12, 16, 18, 19, 33, 34, 35, 60, 261, 264, 300)


def numbers(seed: int) -> Iterator[int]:
    """Yield endless 64-bit numbers (splitmix64: Steele, Lea and Flood, OOPSLA 2014)."""
    mask = (1 << 64) - 1
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & mask
        mixed = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & mask
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & mask
        yield mixed ^ (mixed >> 31)


def noise(draw: Iterator[int], length: int) -> bytes:
    return b"".join(next(draw).to_bytes(8, "little") for _ in range(-(-length // 8)))[:length]


def zero_runs(draw: Iterator[int]) -> bytearray:
    """Make runs of zeros, with lengths at the codecs' limits, between a few bytes of noise."""
    page = bytearray()
    while len(page) < PAGE:
        page += noise(draw, next(draw) % 12) + bytes(RUNS[next(draw) % len(RUNS)])
    return page[:PAGE]


def few_letters(draw: Iterator[int]) -> bytearray:
    letters = next(draw) % 4 + 2
    return bytearray(byte % letters for byte in noise(draw, PAGE))


def repeated(draw: Iterator[int]) -> bytearray:
    """Repeat a piece at any distance, with some bytes changed."""
    piece = noise(draw, next(draw) % 600 + 1)
    page = bytearray(piece * (PAGE // len(piece) + 1))[:PAGE]
    for _ in range(next(draw) % 60):
        page[next(draw) % PAGE] = next(draw) % 256
    return page


def copied(draw: Iterator[int]) -> bytearray:
    """Make noise that has copies of itself, with lengths at the codecs' limits."""
    page = bytearray(noise(draw, PAGE))
    for _ in range(next(draw) % 80 + 1):
        length = COPIES[next(draw) % len(COPIES)]
        source, target = next(draw) % (PAGE - length), next(draw) % (PAGE - length)
        page[target : target + length] = page[source : source + length]
    return page


def small_words(draw: Iterator[int]) -> bytearray:
    bits = next(draw) % 40 + 1
    page = bytearray(b"".join((next(draw) >> (64 - bits)).to_bytes(8, "little") for _ in range(PAGE // 8)))
    if next(draw) % 2:
        start = next(draw) % PAGE
        page[start:] = bytes(PAGE - start)
    return page


def ends(draw: Iterator[int]) -> bytearray:
    """Make noise that ends in a match, or in zeros."""
    page = bytearray(noise(draw, PAGE))
    length = next(draw) % 63 + 1
    page[PAGE - length :] = page[100 : 100 + length]
    if next(draw) % 3 == 0:
        length = next(draw) % 59 + 1
        page[PAGE - length :] = bytes(length)
    return page


KINDS = (zero_runs, few_letters, repeated, copied, small_words, ends)


def hard_page(index: int) -> bytes:
    """Return page number `index`, 4096 bytes; the kinds follow one another."""
    return bytes(KINDS[index % len(KINDS)](numbers(index)))
