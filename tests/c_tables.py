"""Call the tables of the built-in codecs as C calls them: any length, any capacity, buffers of exactly the size given.

Each output buffer is followed by guard bytes, and each input has memory of its own. So the sanitizers report one byte
too far at once, and without them a write too far is noticed afterwards.
"""

import ctypes

from zswapsim._core.codec import codec as core

GUARD = b"\xa5" * 64
CODEC_ERROR, CORRUPT, RANGE = -3, -4, -6
CREATE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p))
DESTROY = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
SIZE = ctypes.c_size_t
RUN = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, SIZE, ctypes.c_void_p, SIZE)


class Param(ctypes.Structure):
    """Mirror zsw_param of cext/zsw_codec.h."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("lowest", ctypes.c_int64),
        ("highest", ctypes.c_int64),
        ("initial", ctypes.c_int64),
        ("help", ctypes.c_char_p),
    ]


class Config(ctypes.Structure):
    _fields_ = [
        ("values", ctypes.POINTER(ctypes.c_int64)),
        ("dictionary", ctypes.c_void_p),
        ("dictionary_bytes", SIZE),
        ("functions", ctypes.c_void_p),
    ]


class Table(ctypes.Structure):
    """Mirror zsw_codec of cext/zsw_codec.h."""

    _fields_ = [
        ("abi", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("name", ctypes.c_char_p),
        ("params", ctypes.c_void_p),
        ("symbols", ctypes.c_void_p),
        ("params_create", CREATE),
        ("params_destroy", DESTROY),
        ("ctx_create", CREATE),
        ("ctx_destroy", DESTROY),
        ("compress", RUN),
        ("decompress", RUN),
    ]


def least_capacity(length: int) -> int:
    """Return the smallest output buffer that the interface promises to `compress`."""
    return length + length // 16 + 64


class CCodec:
    """Hold one codec that needs no library, and a context. `values` are its parameters' values in order."""

    def __init__(self, name: str, *values: int) -> None:
        symbol = f"zsw_codec_{name.replace('-', '_')}"
        self.table = Table.in_dll(ctypes.CDLL(core.__file__), symbol)
        assert self.table.name == name.encode()
        self.params, self.ctx = ctypes.c_void_p(), ctypes.c_void_p()
        config = Config((ctypes.c_int64 * (len(values) + 1))(*values), None, 0, None)
        self.made = self.table.params_create(ctypes.addressof(config), ctypes.byref(self.params))
        if self.made == 0:
            assert self.table.ctx_create(self.params, ctypes.byref(self.ctx)) == 0

    def __del__(self) -> None:
        self.table.ctx_destroy(self.ctx)
        if self.made == 0:
            self.table.params_destroy(self.params)

    def run(self, function: object, data: bytes, capacity: int) -> tuple[int, bytes]:
        source = ctypes.create_string_buffer(data, max(len(data), 1))
        out = ctypes.create_string_buffer(capacity + len(GUARD))
        out[capacity:] = GUARD
        code = function(self.ctx, source, len(data), out, capacity)
        assert out.raw[capacity:] == GUARD
        assert code <= capacity
        return code, out.raw[: max(code, 0)]

    def compress(self, data: bytes, capacity: int | None = None) -> tuple[int, bytes]:
        """Return the codec's return value, and the bytes that it wrote."""
        return self.run(self.table.compress, data, least_capacity(len(data)) if capacity is None else capacity)

    def decompress(self, data: bytes, capacity: int) -> tuple[int, bytes]:
        return self.run(self.table.decompress, data, capacity)
