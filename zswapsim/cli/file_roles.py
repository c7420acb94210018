"""Know every file that a command reads or writes, by the option that names it, and keep them apart."""

import argparse
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from zswapsim.files.apart import Named, keep_apart
from zswapsim.files.leftovers import remove_dead_files, remove_dead_folders
from zswapsim.files.temporary import likely_root

NO_FILE = ("gen:", "pid:", "recipe:")
STDOUT = "-"
LIBRARY = "ZSWAPSIM_LIBRARY_"
JOURNAL = ".part"


class Input(NamedTuple):
    """An option that names files to read."""

    what: str
    files: Callable[[str], Iterable[str]]
    """Returns the files that a value of the option names."""


def named_file(text: str) -> Iterator[str]:
    """Yield the file that a value names, unless it is a generator, a process, a recipe or nothing."""
    if text.startswith("bundled:"):
        yield from _bundled(text.removeprefix("bundled:"))
    elif not text.startswith(NO_FILE):
        yield text


def codec_files(spec: str) -> Iterator[str]:
    """Yield the dictionary of a compressor, or of each compressor in a backend's parameter."""
    for part in spec.replace("+", ",").replace(":dict=", ",dict=").split(","):
        if part.startswith("dict="):
            yield part.removeprefix("dict=")


INPUTS = {
    "trace": Input("the trace to be read", named_file),
    "source": Input("the trace to be read", named_file),
    "contents": Input("the file of --contents", named_file),
    "pages": Input("the file of pages to be read", named_file),
    "profile": Input("the file of --profile", named_file),
    "damon": Input("the file of --damon", named_file),
    "perf": Input("the file of --perf", named_file),
    "compressor": Input("a compressor's dictionary", codec_files),
    "backend": Input("a compressor's dictionary", codec_files),
    "cram": Input("a compressor's dictionary", codec_files),
}
"""The options that name inputs, by their names in the parsed arguments."""
OUTPUTS = {
    "json": "--json",
    "output": "--output",
    "picture": "--picture",
    "target": "OUT",
    "train_dict": "--train-dict",
}
"""The options that name outputs."""


def prepare_files(command: str, args: argparse.Namespace) -> None:
    """Raise InputError if a file that the command would write is also one that it reads, or would write twice.

    Then remove what commands that were killed have left beside the outputs and among the temporary files.
    """
    given = {name: _texts(value) for name, value in vars(args).items()}
    outputs = list(_outputs(command, given))
    keep_apart(_inputs(given), outputs, stdout=True)
    for folder in dict.fromkeys(map(_folder_of, outputs)):
        remove_dead_files(folder)
    remove_dead_folders(likely_root())


def _folder_of(named: Named) -> str:
    """Return the folder in which an output is made."""
    try:
        return os.path.dirname(os.path.realpath(named.path))
    except ValueError:  # a null byte: the output is refused when it is opened
        return os.curdir


def _inputs(given: dict[str, list[str]]) -> Iterator[Named]:
    for name, role in INPUTS.items():
        for text in given.get(name, []):
            yield from (Named(role.what, path) for path in role.files(text))
    for name, value in os.environ.items():
        if name.startswith(LIBRARY) and value:
            yield Named(f"the library of {name}", value)


def _outputs(command: str, given: dict[str, list[str]]) -> Iterator[Named]:
    for name, what in OUTPUTS.items():
        for text in given.get(name, []):
            if text != STDOUT:
                yield Named(what, text)
            if command == "profile" and name == "output":
                yield Named(f"what {what} keeps until it is whole", f"{text}{JOURNAL}")


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]


def _bundled(name: str) -> Iterator[str]:
    from zswapsim._core.base.errors import InputError
    from zswapsim.traces.bundled import bundled_trace

    try:
        yield str(bundled_trace(name))
    except InputError:  # it is refused when it is read
        return
