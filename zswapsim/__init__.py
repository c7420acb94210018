"""A compressed-memory swap backend in Linux's manner, as a program: store, allocator, reclaim and replay.

>>> import zswapsim
>>> result = zswapsim.run("gen:zipf,pages=1000,events=20000", "recipe:mix", zswapsim.Settings(dram="30%"))
>>> result.outcome
'completed'
"""

from zswapsim._version import __version__

TYPE_CHECKING = False  # without typing, the command line takes the signals over a few milliseconds earlier
if TYPE_CHECKING:
    from typing import Any

    from zswapsim._core.base.errors import (
        BusyError,
        ClosedError,
        CodecError,
        CorruptPageError,
        DeviceError,
        HostMemoryError,
        InputError,
        NodeFullError,
        OutputError,
        PluginError,
        SlotEmptyError,
        ZswapsimError,
    )
    from zswapsim._core.codec.codec import Codec
    from zswapsim.compressors import get_compressor
    from zswapsim.inputwarning import InputWarning
    from zswapsim.store import PageStore
    from zswapsim.study.compare.compare import compare
    from zswapsim.study.curve.curves import Curves, curves
    from zswapsim.study.plan.make_plan import Plan
    from zswapsim.study.plan.plan import plan
    from zswapsim.study.profile import Profile, make_profile, read_profile
    from zswapsim.study.run.result import Result
    from zswapsim.study.run.run import run
    from zswapsim.study.settings import Settings
    from zswapsim.traces import Contents, read_contents, read_trace, write_trace

_ERRORS = (
    "BusyError",
    "ClosedError",
    "CodecError",
    "CorruptPageError",
    "DeviceError",
    "HostMemoryError",
    "InputError",
    "NodeFullError",
    "OutputError",
    "PluginError",
    "SlotEmptyError",
    "ZswapsimError",
)
# Loaded when first asked for, so that importing the package stays quick.
_HOMES = dict.fromkeys(_ERRORS, "_core.base.errors") | {
    "Codec": "_core.codec.codec",
    "Contents": "traces",
    "Curves": "study.curve.curves",
    "InputWarning": "inputwarning",
    "PageStore": "store",
    "Plan": "study.plan.make_plan",
    "Profile": "study.profile",
    "Result": "study.run.result",
    "Settings": "study.settings",
    "compare": "study.compare.compare",
    "curves": "study.curve.curves",
    "get_compressor": "compressors",
    "make_profile": "study.profile",
    "plan": "study.plan.plan",
    "read_contents": "traces",
    "read_profile": "study.profile",
    "read_trace": "traces",
    "run": "study.run.run",
    "write_trace": "traces",
}

__all__ = [
    "BusyError",
    "ClosedError",
    "Codec",
    "CodecError",
    "Contents",
    "CorruptPageError",
    "Curves",
    "DeviceError",
    "HostMemoryError",
    "InputError",
    "InputWarning",
    "NodeFullError",
    "OutputError",
    "PageStore",
    "Plan",
    "PluginError",
    "Profile",
    "Result",
    "Settings",
    "SlotEmptyError",
    "ZswapsimError",
    "__version__",
    "compare",
    "curves",
    "get_compressor",
    "get_include",
    "make_profile",
    "plan",
    "read_contents",
    "read_profile",
    "read_trace",
    "run",
    "write_trace",
]


def get_include() -> str:
    """Return the folder of the C headers that a plug-in compiles against, for a compiler's ``-I``."""
    from pathlib import Path

    return str(Path(__file__).parent / "include")


def __getattr__(name: str) -> "Any":
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
