"""Decode JSON that somebody else may have written; every failure is an error of the user's file."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from zswapsim._core.base.errors import InputError

T = TypeVar("T")


def decode_json(text: bytes | str, kind: type[T], where: str) -> T:
    """Return the record of this kind in `text`. Raises InputError, whose message begins with `where`."""
    try:
        return msgspec.json.decode(text, type=kind)
    except RecursionError:
        raise InputError(f"{where}: expected JSON that is not nested so deeply") from None
    except (msgspec.MsgspecError, ValueError) as error:  # not UTF-8, or a number of too many digits
        raise InputError(f"{where}: {error}") from None
