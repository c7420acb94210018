"""Check the classes of the values in a record of settings."""

from types import UnionType
from typing import get_args

import msgspec

from zswapsim._core.base.arguments import shown
from zswapsim._core.base.errors import InputError

MOST_INT = 1 << 63
NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}


def check_kinds(settings: msgspec.Struct) -> None:
    """Raise InputError if a field holds a value that is not of its class; msgspec looks at what it decodes only."""
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        kinds = get_args(field.type) if isinstance(field.type, UnionType) else (field.type,)
        if not any(_fits(value, kind) for kind in kinds):
            expected = " or ".join(NAMES[kind] for kind in kinds)
            raise InputError(f"--{field.encode_name.replace('_', '-')} {shown(value)}: expected {expected}")


def _fits(value: object, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if isinstance(value, int) and abs(value) >= MOST_INT:
        return False
    return isinstance(value, int | float if kind is float else kind)
