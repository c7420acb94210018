"""Call the CSV core directly: it reads and writes nothing beyond its buffers."""

import numpy as np
import pytest

from zswapsim._core.base.errors import InputError
from zswapsim._core.trace import csvtext

PLAIN = bytes([csvtext.PAGE, csvtext.OP])


def parse(text: bytes, roles: bytes = PLAIN, room: int | None = None, **arrays: object) -> tuple[int, int, int, int]:
    """Parse `text` into arrays between guards, and check that the guards stay as they were."""
    count = len(text) // 4 if room is None else room
    page, op = np.full(count + 2, 77, np.uint64), np.full(count + 2, 77, np.uint8)
    found = csvtext.parse(text, roles, page[1:-1], op[1:-1], arrays.get("time_ns"), arrays.get("process"))  # type: ignore[arg-type]
    assert (page[0], page[-1], op[0], op[-1]) == (77, 77, 77, 77)
    return found


@pytest.mark.parametrize(
    "text", [b"0,\n", b"\n", b"0\n", b"1,R\n2,\n", b"1,R\n2\n", b",\n", b"1,R\n1,W,\n", b"0x\n", b"0x,"]
)
def test_half_a_line_is_never_stored(text: bytes) -> None:
    if text.endswith(b"\n"):
        assert parse(text)[1] != csvtext.GOOD
    else:
        with pytest.raises(InputError, match="ends in a newline"):
            parse(text)


def test_says_where() -> None:
    assert parse(b"1,R\n2,Q\n") == (1, csvtext.BAD_FIELD, 1, 6)
    assert parse(b"1,R\n2,W\n") == (2, csvtext.GOOD, 1, 6)


@pytest.mark.parametrize(
    ("roles", "arrays"),
    [
        (b"", {}),
        (bytes([csvtext.PAGE]), {}),
        (bytes([csvtext.PAGE, csvtext.OP, 9]), {}),
        (PLAIN + bytes([csvtext.TIME_NS]), {}),
        (PLAIN, {"process": np.zeros(9, np.uint32)}),
        (PLAIN + bytes([csvtext.TIME_NS]), {"time_ns": np.zeros(0, np.uint64)}),
    ],
)
def test_refuses_what_does_not_fit(roles: bytes, arrays: dict[str, object]) -> None:
    with pytest.raises(InputError):
        parse(b"1,R,5\n", roles, **arrays)
    with pytest.raises(InputError, match="room for 2 events"):
        parse(b"1,R\n1,R\n", room=1)


def test_formatting_refuses_what_does_not_fit() -> None:
    page, op = np.zeros(2, np.uint64), np.zeros(2, np.uint8)
    for arguments in (
        (page, op[:1], None, None, bytearray(200)),
        (page, op, np.zeros(1, np.uint64), None, bytearray(200)),
        (page, op, None, np.zeros(3, np.uint32), bytearray(200)),
        (page, op, None, None, bytearray(103)),
    ):
        with pytest.raises(InputError):
            csvtext.format_events(*arguments)
    assert csvtext.format_events(page[:0], op[:0], None, None, bytearray()) == 0


def test_the_longest_line_fits() -> None:
    most = [np.array([2**64 - 1], np.uint64), np.ones(1, np.uint8), np.array([2**64 - 1], np.uint64)]
    out = bytearray(52)
    used = csvtext.format_events(*most, np.array([2**32 - 1], np.uint32), out)
    assert bytes(out[:used]) == b"ffffffffffffffff,W,18446744073709551615,4294967295\n"
