"""Dictionaries of zstd: reading one that a person gives, training one from pages."""

from zswapsim._core.errors import InputError

MAGIC = bytes.fromhex("37a430ec")  # ZSTD_MAGIC_DICTIONARY, 0xEC30A437, little-endian
MAX_BYTES = 16 << 20  # far above what helps a page; keeps a wrong file from being read whole


def read_dictionary(path: str) -> bytes:
    """The bytes of a dictionary file. Raises InputError where it can't be read or is none.

    A dictionary without the magic number would be taken as raw content by zstd, so that any file at all would do and a
    mistake would pass for a bad ratio: it is refused.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path!r}: cannot read: {error}") from error
    if len(data) > MAX_BYTES:
        raise InputError(f"{path}: expected a zstd dictionary of at most {MAX_BYTES} bytes")
    if not data.startswith(MAGIC):
        raise InputError(f"{path}: byte offset 0: expected a zstd dictionary (it begins with 37 a4 30 ec)")
    return data
