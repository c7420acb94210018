"""Read, write, convert, compute and capture traces and page contents. See docs/traces.md."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zswapsim.traces.bundled import bundled_trace
    from zswapsim.traces.capture import capture_pages
    from zswapsim.traces.contents import Contents, read_contents, write_pages
    from zswapsim.traces.dense import DenseTrace
    from zswapsim.traces.forms import read_trace, write_trace
    from zswapsim.traces.trace import ArrayTrace, Chunk, Trace

# A name's module is loaded on first use, so that the package imports quickly.
_HOMES = {
    "ArrayTrace": "trace",
    "Chunk": "trace",
    "Contents": "contents",
    "DenseTrace": "dense",
    "Trace": "trace",
    "bundled_trace": "bundled",
    "capture_pages": "capture",
    "read_contents": "contents",
    "read_trace": "forms",
    "write_pages": "contents",
    "write_trace": "forms",
}

__all__ = [
    "ArrayTrace",
    "Chunk",
    "Contents",
    "DenseTrace",
    "Trace",
    "bundled_trace",
    "capture_pages",
    "read_contents",
    "read_trace",
    "write_pages",
    "write_trace",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
