"""Open the trace and the contents of a run, and check that they and the settings fit together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from zswapsim._core.base.arguments import instance
from zswapsim._core.base.errors import InputError
from zswapsim.compressors.measure import Measured
from zswapsim.study.run.backend import wanted_codecs
from zswapsim.study.run.folios import compresses_whole
from zswapsim.study.settings import Settings
from zswapsim.traces import DenseTrace, Trace, read_trace

if TYPE_CHECKING:  # a run without contents starts faster without these imports
    from pathlib import Path

    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents


def open_trace(trace: str | Path | Trace | DenseTrace) -> DenseTrace:
    """Return a DenseTrace of any form of trace. Raises InputError."""
    if isinstance(trace, DenseTrace):
        return trace
    return DenseTrace(trace if isinstance(trace, Trace) else read_trace(trace))


def open_contents(contents: str | Contents | None, measured: Measured | Profile | None) -> Contents | None:
    """Return the contents that are given or named, or else those of a profile. Raises InputError."""
    if isinstance(contents, str):
        from zswapsim.traces import read_contents

        return read_contents(contents)
    if contents is not None or measured is not None:
        _check_kinds(contents, measured)
    if contents is None and measured is not None and not isinstance(measured, Measured):
        return measured.contents()
    return contents


def _check_kinds(contents: object, measured: object) -> None:
    """Raise InputError for objects of other classes."""
    from zswapsim.study.profile import Profile
    from zswapsim.traces import Contents

    instance(contents, (Contents, type(None)), "contents")
    instance(measured, (Measured, Profile, type(None)), "measured")


def check_contents(
    settings_list: Sequence[Settings], contents: Contents | None, measured: Measured | Profile | None
) -> None:
    """Raise InputError if runs need other contents than these, or `measured` is not of these contents."""
    if contents is None:
        return
    if not contents.holds_bytes and any(map(compresses_whole, settings_list)):
        raise InputError("--folio-compress whole: a profile holds no pages: expected --contents too")
    if not contents.holds_bytes and any(settings.depth == "bytes" for settings in settings_list):
        raise InputError("--depth bytes: a profile holds no pages: expected --contents too, or --depth sizes")
    specs = wanted_codecs(settings_list)
    if measured is None or not specs:
        return
    if not isinstance(measured, Measured):
        measured.check(contents, specs)
    elif len(measured.size) != len(contents):
        raise InputError(f"measured sizes of {len(measured.size)} contents: expected {len(contents)}")


def measure_if_needed(
    settings: Settings, contents: Contents | None, measured: Measured | Profile | None
) -> Measured | Profile | None:
    """Return the lengths and times that a run at sizes depth needs: those given, or else a new profile."""
    specs = wanted_codecs([settings])
    if contents is None or not specs:
        return None
    if measured is not None:
        return measured
    from zswapsim.study.profile import make_profile

    return make_profile(contents, specs)
