"""Write JSON documents; what no JSON may hold, or no terminal should, is escaped."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from zswapsim.text import encodable

_UNSAFE_UTF8 = re.compile(
    rb"\x7f|\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf|\xef\xbf[\xb9-\xbb]"
)
"""The characters of text.UNSAFE that JSON may hold as they are, as UTF-8."""


def json_document(value: Any) -> bytes:
    """Return `value` as one indented JSON document, whatever names it holds."""
    return _UNSAFE_UTF8.sub(_escaped, msgspec.json.format(json_line(value), indent=2))


def json_line(value: Any) -> bytes:
    r"""Return `value` as JSON on one line; lone surrogates in its text are escaped as in ``\xff``."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(msgspec.to_builtins(value)))


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    return [_encodable(each) for each in value] if isinstance(value, list | tuple) else value


def _escaped(found: re.Match[bytes]) -> bytes:
    return b"".join(b"\\u%04x" % ord(character) for character in found[0].decode())
