"""Codecs that misbehave on request: in Python, and in C's shape by way of ctypes."""

import ctypes
import zlib
from collections.abc import Callable

from zswapsim import Codec
from zswapsim._core.codec.codec import table_of_capsule, table_of_class

PAGE = 4096
E_CODEC = -3
E_CORRUPT = -4
_KEPT: list[object] = []  # callbacks must outlive every codec that calls them


def python_codec(
    compress: Callable[[bytes], bytes] = lambda page: zlib.compress(page, 1),
    decompress: Callable[[bytes], bytes] = zlib.decompress,
) -> Codec:
    """A codec of two Python functions."""

    class Made:
        def compress(self, page: bytes) -> bytes:
            return compress(bytes(page))

        def decompress(self, data: bytes) -> bytes:
            return decompress(bytes(data))

    return Codec(table_of_class("made", Made, {}, "made"))


class _Param(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("lowest", ctypes.c_int64),
        ("highest", ctypes.c_int64),
        ("initial", ctypes.c_int64),
        ("help", ctypes.c_char_p),
    ]


_Create = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
_Destroy = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Code = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t
)


class _Table(ctypes.Structure):
    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("params", ctypes.POINTER(_Param)),
        ("symbols", ctypes.c_void_p),
        ("params_create", _Create),
        ("params_destroy", _Destroy),
        ("ctx_create", _Create),
        ("ctx_destroy", _Destroy),
        ("compress", _Code),
        ("decompress", _Code),
    ]


def c_codec(
    compress: Callable[[bytes], bytes | int], decompress: Callable[[bytes], bytes | int] = zlib.decompress
) -> Codec:
    """A codec in C's shape: each function gives bytes, or the int that is returned as it is."""

    def into(function: Callable[[bytes], bytes | int]) -> object:
        def call(_ctx: int, src: int, src_bytes: int, dst: int, dst_bytes: int) -> int:
            made = function(ctypes.string_at(src, src_bytes))
            if isinstance(made, int):
                return made
            ctypes.memmove(dst, made, min(len(made), dst_bytes))
            return len(made)

        return _Code(call)

    def create(_from: int, out: object) -> int:
        out[0] = None
        return 0

    table = _Table(
        1, 0, b"faulty", (_Param * 1)(), None, _Create(create), _Destroy(lambda _: None), _Create(create),
        _Destroy(lambda _: None), into(compress), into(decompress),
    )  # fmt: skip
    name = ctypes.create_string_buffer(b"zswapsim.codec.v1")
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    _KEPT.extend((table, name))
    return Codec(table_of_capsule(make(ctypes.addressof(table), ctypes.cast(name, ctypes.c_char_p), None), "faulty"))
