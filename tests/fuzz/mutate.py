"""Change small valid samples: bytes, text, specifications. All of it follows from the random generator."""

import re
from collections.abc import Callable, Sequence
from random import Random

Mutation = Callable[[Random, bytes, Sequence[bytes]], bytes]

NUMBERS = [0, 1, 2, 3, 7, 255, 4096, 65535, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**52, 2**63 - 1, 2**63]
NUMBERS += [2**64 - 1]
WORDS = [b"", b"-1", b"1e9", b"1e400", b"nan", b"inf", b"0x10", b"1.5", b"9" * 30, b"9" * 5000, "٣".encode(), b"%"]
WORDS += [str(number).encode() for number in (*NUMBERS, 10**12, 2**64)]
SIGNS = [b"\0", b" ", b"\xff", *(sign.encode() for sign in "é²µ")]
TOKEN = re.compile(rb"[A-Za-z_]+|\d+|[^\w\s]|\s+")


def damaged(random: Random, data: bytes, _samples: Sequence[bytes]) -> bytes:
    """Flip bits, overwrite bytes and cut: what a bad disk or a broken copy does. Nothing valid is put in."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = place(random, len(changed))
        what = random.randrange(8)
        if what < 5:
            changed[at] ^= 1 << random.randrange(8)
        elif what == 5:
            changed[at] = random.randrange(256)
        elif what == 6:
            count = min(random.randrange(1, 64), len(changed) - at)
            changed[at : at + count] = bytes(count)
        elif at:
            del changed[at:]
    return bytes(changed)


def place(random: Random, length: int) -> int:
    """Draw a place, most often near the beginning or the end, where headers and footers are."""
    where = random.randrange(4)
    if where == 0:
        return random.randrange(min(length, 200))
    return length - 1 - random.randrange(min(length, 1500)) if where == 1 else random.randrange(length)


def binary(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
    """Damage, or put in whole numbers, copies and parts of other samples."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 3, 6))):
        if not changed:
            changed += random.choice(samples)
        at = place(random, len(changed))
        what = random.randrange(7)
        if what < 2:
            changed = bytearray(damaged(random, bytes(changed), samples))
        elif what == 2:
            width = random.choice((1, 2, 4, 8))
            changed[at : at + width] = (random.choice(NUMBERS) % 256**width).to_bytes(width, "little")
        elif what == 3:
            changed[at:at] = random.randbytes(random.randrange(1, 16))
        elif what == 4:
            del changed[at : at + random.randrange(1, 64)]
        elif what == 5:
            changed[at:at] = changed[at : at + random.randrange(1, 400)] * random.choice((1, 1, 2, 50))
        else:
            other = random.choice(samples)
            changed[at:] = other[place(random, len(other)) :]
    return bytes(changed[: 1 << 20])


def text(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
    """Change lines and the words in them, sometimes any bytes."""
    if random.randrange(5) == 0:
        return binary(random, data, samples)
    lines = data.split(b"\n")
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(lines))
        what = random.randrange(8)
        if what < 4:
            lines[at] = _other_word(random, lines[at], random.choice(samples))
        elif what == 4:
            lines[at:at] = lines[at : at + random.randrange(1, 9)] * random.choice((1, 1, 3))
        elif what == 5 and len(lines) > 1:
            del lines[at : at + random.randrange(1, 4)]
        elif what == 6:
            lines.insert(at, random.choice(random.choice(samples).split(b"\n")))
        else:
            lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)] + random.randbytes(random.randrange(3))
        lines = lines or [b""]
    return b"\n".join(lines)[: 1 << 20]


def specification(random: Random, data: bytes, samples: Sequence[bytes]) -> bytes:
    """Change the words and signs of a specification."""
    for _ in range(random.choice((1, 1, 2, 3, 5))):
        what = random.randrange(10)
        if what < 6:
            data = _other_word(random, data, random.choice(samples))
        elif what == 6:
            data += random.choice((b",", b";", b"/", b":", b"+", b"=")) + random.choice(samples)
        elif what == 7:
            data = data[: random.randrange(len(data) + 1)]
        elif what == 8:
            at = random.randrange(len(data) + 1)
            data = data[:at] + data[at : at + 20] * random.choice((1, 2, 40)) + data[at:]
        else:
            at = random.randrange(len(data) + 1)
            data = data[:at] + random.choice(SIGNS) + data[at:]
    return data[: 1 << 14]


def _other_word(random: Random, line: bytes, other: bytes) -> bytes:
    """Replace, leave out or double a word or a sign, or take one of another sample."""
    found = list(TOKEN.finditer(line))
    if not found:
        return random.choice(WORDS)
    span = random.choice(found)
    what = random.randrange(5)
    if what == 0:
        word = b""
    elif what == 1:
        word = span[0] * 2
    elif what == 2:
        word = random.choice(WORDS)
    elif what == 3:
        word = random.choice(TOKEN.findall(other[:4096]) or [b""])
    else:
        word = str(random.choice(NUMBERS)).encode()
    return line[: span.start()] + word + line[span.end() :]
