"""Make a codec from "zstd:level=3,dict=FILE", and list all codecs."""

import re
from dataclasses import dataclass
from functools import cache

from zswapsim._core.base.arguments import text
from zswapsim._core.base.errors import InputError, ZswapsimError
from zswapsim._core.codec.codec import Codec, CodecTable, builtin_tables
from zswapsim._core.codec.library import Library
from zswapsim._core.codec.parameters import Parameter
from zswapsim.compressors.dictionary import read_dictionary
from zswapsim.compressors.libraries import find_library
from zswapsim.compressors.plugins import GROUP, load_plugin
from zswapsim.plugins import find_plugin, origin_of, plugin_entries


@dataclass(frozen=True)
class CompressorInfo:
    """The record of one codec for `zswapsim compressors`."""

    name: str
    parameters: tuple[Parameter, ...]
    takes_dictionary: bool
    origin: str  # "built in", or the package that provides the plug-in
    library: str  # file that it calls, "" if it needs none
    version: str  # the version that the library reports, "" if it reports none
    missing: str  # "" if it can be used, else why not and how to get it


@cache
def builtins() -> dict[str, CodecTable]:
    """Return the built-in codecs by name."""
    return builtin_tables()


def get_compressor(spec: str | Codec) -> Codec:
    """Return the codec of `spec`: "NAME" or "NAME:PARAMETER=INTEGER,…", also ",dict=FILE" if it takes a dictionary.

    A Codec is returned as it is, so that callers may pass either. Raises InputError for an unknown codec or parameter,
    a value that is no integer or out of range, and a dictionary that can't be used; CodecError if the codec's library
    is not on this machine; PluginError if a plug-in can't be loaded.
    """
    if isinstance(spec, Codec):
        return spec
    name, values, dictionary_name = parse_spec(text(spec, "compressor"))
    table = find_table(name)
    numbers = {key: integer(table, key, text) for key, text in values.items()}
    dictionary = read_dictionary(dictionary_name) if dictionary_name and table.takes_dictionary else b""
    library = find_library(name, table.symbols)
    return Codec(table, numbers, library, dictionary, dictionary_name, get_compressor)


def parse_spec(spec: str) -> tuple[str, dict[str, str], str]:
    """Return the name, values as written, and dictionary file ("" for none). Raises InputError if the form is wrong."""
    name, colon, rest = spec.partition(":")
    values: dict[str, str] = {}
    for part in rest.split(",") if colon else []:
        key, equals, value = part.partition("=")
        if not (key and equals and value):
            raise InputError(f"compressor {spec!r}: expected NAME:PARAMETER=VALUE,… , got {part!r}")
        if key in values:
            raise InputError(f"compressor {spec!r}: {key} is given twice")
        values[key] = value
    return name, values, values.pop("dict", "")


def find_table(name: str) -> CodecTable:
    """Return the built-in of that name, else the plug-in.

    Raises InputError with all known names if there is neither.
    """
    if name in builtins():
        return builtins()[name]
    entry = find_plugin(GROUP, name)
    if entry is not None:
        return load_plugin(entry)
    raise InputError(f"compressor {name!r}: unknown: expected one of {', '.join(compressor_names())}")


def compressor_names() -> list[str]:
    """Return all names, built-ins first, then plug-ins, without loading a plug-in."""
    return list(dict.fromkeys([*builtins(), *(entry.name for entry in plugin_entries(GROUP))]))


def integer(table: CodecTable, key: str, text: str) -> int:
    """Return a parameter's value as an integer. Raises InputError with its range if it is none."""
    if re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        return int(text)
    known = {p.name: p for p in table.parameters}
    wanted = f"an integer from {known[key].lowest} to {known[key].highest}" if key in known else "an integer"
    raise InputError(f"codec {table.name}: {key}={text}: expected {wanted}")


def available() -> list[CompressorInfo]:
    """Return every codec; those that can't be used here carry the reason."""
    infos = [describe(table, "built in") for table in builtins().values()]
    for entry in plugin_entries(GROUP):
        try:
            if entry.name in builtins():
                raise InputError(f"compressor plug-in {entry.name}: the name belongs to a built-in codec")
            infos.append(describe(load_plugin(entry), origin_of(entry)))
        except ZswapsimError as error:
            infos.append(CompressorInfo(entry.name, (), False, origin_of(entry), "", "", str(error)))
    return infos


def describe(table: CodecTable, origin: str) -> CompressorInfo:
    """Return the record of one codec, with the reason if its library is missing."""
    library: Library | None = None
    missing = ""
    try:
        library = find_library(table.name, table.symbols)
    except ZswapsimError as error:
        missing = str(error)
    return CompressorInfo(
        table.name,
        table.parameters,
        table.takes_dictionary,
        origin,
        library.path if library else "",
        library.version if library else "",
        missing,
    )
