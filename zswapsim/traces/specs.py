"""Parse specifications such as ``zipf,pages=1e5,alpha=0.9``: a name, then key=value pairs in their ranges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from zswapsim._core.base.errors import InputError


class Key(NamedTuple):
    """One parameter: its default value (None if the caller computes it), and the range it may have."""

    initial: float | int | None
    lowest: float | int
    highest: float | int
    whole: bool = True
    help: str = ""


def parse_spec(
    text: str, what: str, known: Mapping[str, Mapping[str, Key]]
) -> tuple[str, dict[str, float | int | None]]:
    """Return the name and every parameter of `text`.

    `what` is how the specification begins ("gen", "recipe"), for messages. Raises InputError on an unknown name or key,
    a key given twice, a value that is no number, and a value out of its range.
    """
    name, *pairs = text.split(",")
    if name not in known:
        raise InputError(f"{what}:{text}: unknown name {name!r}: expected one of {', '.join(known)}")
    keys = known[name]
    values: dict[str, float | int | None] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key not in keys:
            raise InputError(f"{what}:{text}: {pair!r}: expected KEY=VALUE, KEY one of {', '.join(keys)}")
        if key in values:
            raise InputError(f"{what}:{text}: {key} is given twice")
        values[key] = _number(f"{what}:{text}: {key}", value, keys[key])
    return name, {key: values.get(key, keys[key].initial) for key in keys}


def _number(where: str, text: str, key: Key) -> float | int:
    expected = f"expected {'a whole number' if key.whole else 'a number'} from {key.lowest} to {key.highest}"
    try:
        value = int(text) if text.isascii() and text.isdigit() else float(text)
        number = int(value) if key.whole else float(value)
    except (ValueError, OverflowError):
        raise InputError(f"{where}: {expected}, got {text!r}") from None
    if not key.lowest <= value <= key.highest or number != value:
        raise InputError(f"{where}: {expected}, got {text!r}")
    return number


def format_spec(name: str, values: Mapping[str, float | int | None]) -> str:
    """Format `name` and `values` as parse_spec reads them."""
    return ",".join([name, *(f"{key}={value}" for key, value in values.items() if value is not None)])
