"""Write the results of a command: text for a reader, JSON to a file or a pipe."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from zswapsim._core.base.errors import OutputError
from zswapsim.cli.errors import complain
from zswapsim.cli.streams import check_stdout
from zswapsim.files.found import is_folder
from zswapsim.files.system import may_write
from zswapsim.json_text import json_document
from zswapsim.study.run.result import Result

STDOUT = "-"


def check_output(path: str | None) -> None:
    """Check before the work that an output file can be written. Raises OutputError."""
    if path == STDOUT:
        check_stdout()
    if path is None or path == STDOUT:
        return
    folder = Path(path).parent
    if not is_folder(folder):
        raise OutputError(f"{path}: cannot write: {folder} is not a folder")
    if is_folder(path):
        raise OutputError(f"{path}: cannot write: it is a folder")
    if not may_write(folder):
        raise OutputError(f"{path}: cannot write: Permission denied")


def write_json(path: str, document: bytes, *, private: bool = False) -> None:
    """Write a JSON document whole or not at all, a `private` one for its owner alone; ``-`` is stdout."""
    if path == STDOUT:
        sys.stdout.buffer.write(document + b"\n")
        sys.stdout.buffer.flush()
        return
    from zswapsim.files.atomic import atomic_write
    from zswapsim.files.privacy import permissions_for

    with atomic_write(path, permissions=permissions_for(private)) as file:
        file.write(document + b"\n")


def warn_private(path: str, warning: str) -> None:
    """Print one line about a file that was made of private pages."""
    complain(f"{path}: {warning}")


def text_wanted(json: str | None, quiet: bool) -> bool:
    """Return True if the table is to be printed: not with JSON on stdout, and not with `--quiet`."""
    return json != STDOUT and not quiet


def terminal() -> tuple[int | None, bool]:
    """Return the width for tables, None in a pipe, and True if they may be coloured."""
    if not sys.stdout.isatty():
        return None, False
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return shutil.get_terminal_size().columns, not plain


def results_json(results: Sequence[Result]) -> bytes:
    """Return a list of Results as one indented JSON document."""
    return json_document(list(results))
