"""Make codecs that misbehave on request: in Python, and with a C table through ctypes."""

import ctypes
import zlib
from collections.abc import Callable

from tests.c_tables import CREATE, DESTROY, RUN, Param, Table
from zswapsim import Codec
from zswapsim._core.codec.codec import table_of_capsule, table_of_class

PAGE = 4096
E_CODEC = -3
E_CORRUPT = -4
E_PLUGIN = -7
_KEPT: list[object] = []  # keeps callbacks alive longer than every codec that calls them


def python_codec(
    compress: Callable[[bytes], bytes] = lambda page: zlib.compress(page, 1),
    decompress: Callable[[bytes], bytes] = zlib.decompress,
) -> Codec:
    """Make a codec of two Python functions."""

    class Made:
        def compress(self, page: bytes) -> bytes:
            return compress(bytes(page))

        def decompress(self, data: bytes) -> bytes:
            return decompress(bytes(data))

    return Codec(table_of_class("made", Made, {}, "made"))


def c_codec(
    compress: Callable[[bytes], bytes | int], decompress: Callable[[bytes], bytes | int] = zlib.decompress
) -> Codec:
    """Make a codec with a C table. Each function returns bytes, or the int that the table returns in their place."""

    def into(function: Callable[[bytes], bytes | int]) -> object:
        def call(_ctx: int, src: int, src_bytes: int, dst: int, dst_bytes: int) -> int:
            made = function(ctypes.string_at(src, src_bytes))
            if isinstance(made, int):
                return made
            ctypes.memmove(dst, made, min(len(made), dst_bytes))
            return len(made)

        return RUN(call)

    def create(_from: int, out: object) -> int:
        out[0] = None
        return 0

    params = (Param * 1)()
    table = Table(
        1, 0, b"faulty", ctypes.addressof(params), None, CREATE(create), DESTROY(lambda _: None), CREATE(create),
        DESTROY(lambda _: None), into(compress), into(decompress),
    )  # fmt: skip
    name = ctypes.create_string_buffer(b"zswapsim.codec.v1")
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    _KEPT.extend((table, params, name))
    return Codec(table_of_capsule(make(ctypes.addressof(table), ctypes.cast(name, ctypes.c_char_p), None), "faulty"))
