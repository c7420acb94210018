from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zswapsim._core.codec.library import Library
from zswapsim._core.codec.parameters import Parameter

# An object with contiguous bytes. (typing has a name for it from Python 3.12 on.)
BytesLike = bytes | bytearray | memoryview | NDArray[np.uint8]

class CodecTable:
    """A kind of codec, not yet given parameters."""

    name: str
    parameters: tuple[Parameter, ...]
    symbols: tuple[str, ...]
    takes_dictionary: bool

def builtin_tables() -> dict[str, CodecTable]: ...
def table_of_capsule(capsule: object, subject: str) -> CodecTable: ...
def table_of_class(name: str, factory: object, parameters: object, subject: str) -> CodecTable: ...

class Codec:
    """A codec with its parameters: immutable, shared by any number of threads. Get one from `get_compressor`."""

    name: str
    spec: str
    settings: dict[str, Any]
    library: Library | None
    dictionary: bytes
    def __new__(
        cls,
        table: CodecTable,
        values: dict[str, int] | None = ...,
        library: Library | None = ...,
        dictionary: bytes = ...,
        dictionary_name: str = ...,
        reopen: Callable[[str], Codec] | None = ...,
    ) -> Codec: ...
    def compress(self, page: BytesLike) -> bytes | None: ...
    def decompress(self, data: BytesLike) -> bytes: ...
