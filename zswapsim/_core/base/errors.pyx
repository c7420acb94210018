"""Define all exceptions of the package, and turn codes of the core into exceptions, in this place alone.

A user's mistake is an :class:`InputError` (exit 2 on the command line); failures of the machine or of a codec raise one
of the others (exit 1). All of them derive from :class:`ZswapsimError`.
"""


class ZswapsimError(Exception):
    """Base of all errors that this package raises on purpose."""


class InputError(ZswapsimError, ValueError):
    """An argument or input is wrong. The message names it, the place in it and the expected value."""


class OutputError(ZswapsimError, OSError):
    """A result could not be written. No partial file is left."""


class NodeFullError(ZswapsimError, MemoryError):
    """No free frame is left in the node, or the pool is at its limit."""


class HostMemoryError(ZswapsimError, MemoryError):
    """The machine that runs the simulation could not provide memory."""


class CodecError(ZswapsimError, RuntimeError):
    """A codec could not compress a page."""


class PluginError(CodecError):
    """A third party's codec raised, or broke its contract."""


class CorruptPageError(ZswapsimError, RuntimeError):
    """Compressed bytes do not decode to the page that was stored."""


class SlotEmptyError(ZswapsimError, KeyError):
    """The slot is empty."""

    __str__ = Exception.__str__


class BusyError(ZswapsimError, RuntimeError):
    """Another thread is using this object."""


class ClosedError(ZswapsimError, ValueError):
    """The object has been closed."""


class DeviceError(ZswapsimError, OSError):
    """The file behind the swap device failed."""


# Tracebacks and pickles name the module from which users import the exceptions.
for kind in [value for value in globals().values() if isinstance(value, type) and issubclass(value, ZswapsimError)]:
    kind.__module__ = "zswapsim"


cdef dict EXCEPTION_OF_CODE = {
    ZSW_E_NOMEM: (HostMemoryError, "the host is out of memory"),
    ZSW_E_FULL: (NodeFullError, "no free frame in the node"),
    ZSW_E_CODEC: (CodecError, "the codec failed to compress the page"),
    ZSW_E_CORRUPT: (CorruptPageError, "the compressed bytes do not decode to the page that was stored"),
    ZSW_E_ABSENT: (SlotEmptyError, "nothing is stored there"),
    ZSW_E_RANGE: (InputError, "out of range"),
    ZSW_E_PLUGIN: (PluginError, "the codec broke its contract (it raised, or returned a wrong length)"),
    ZSW_E_IO: (DeviceError, "the file behind the swap device failed"),
    E_FORKED: (DeviceError, "the file behind the swap device belongs to the process that this one was forked from"),
}


cdef int raise_code(int code, str subject) except -1:
    kind, text = EXCEPTION_OF_CODE.get(code, (ZswapsimError, f"internal error {code}"))
    raise kind(f"{subject}: {text}")
