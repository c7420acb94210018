"""`zswapsim profile`: every distinct content compressed once, for runs and comparisons at sizes depth."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zswapsim.cli.errors import complain
from zswapsim.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    from zswapsim.traces import Contents


def command(
    pages: Annotated[str, typer.Argument(metavar="PAGES|PID", help="FILE.pages, recipe:NAME, or a running process.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE.parquet", help="The profile to write.")],
    compressor: Annotated[
        list[str] | None,
        typer.Option(metavar="SPEC", help="Codecs to measure. Repeatable. [default: lzo-rle, lz4, zstd]"),
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads; 0 for one a processor.")] = 0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Replace FILE and what an unfinished try left.")] = False,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Compress and decompress every distinct content of PAGES once with every codec; keep lengths and times in FILE.

    FILE appears whole or not at all. What was measured so far lies in FILE.part, and the same command goes on from
    there after Ctrl-C or a crash; another codec is added to a FILE that is there. The profile holds no page: --profile
    FILE gives it to run and compare, with or without the pages.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output
    from zswapsim.cli.progress import progress_bar
    from zswapsim.study.plan import COMPRESSORS
    from zswapsim.study.profile import make_profile

    if threads < 0:
        raise InputError(f"--threads {threads}: expected 0 or more")
    for path in (output, json):
        check_output(path)
    with progress_bar("measuring", "contents", quiet) as progress, unfinished(output):
        made = make_profile(
            named_contents(pages),
            compressor or COMPRESSORS,
            output,
            threads=threads or None,
            resume=not fresh,
            progress=progress,
        )
    show({"profile": output} | made.summary(), json, quiet)


def named_contents(text: str) -> "Contents":
    """The contents that `text` names; a number that is no file is a process. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.traces import read_contents

    contents = read_contents(f"pid:{text}" if text.isdecimal() and not Path(text).exists() else text)
    if contents is None:
        raise InputError(f"{text}: expected FILE.pages, recipe:NAME, or the number of a process")
    return contents


@contextmanager
def unfinished(output: str) -> Iterator[None]:
    """Say on Ctrl-C that what was measured is not lost."""
    from zswapsim.study.profile.journal import SUFFIX

    try:
        yield
    except KeyboardInterrupt:
        if Path(f"{output}{SUFFIX}").exists():
            complain(f"{output}{SUFFIX} keeps what was measured; the same command goes on from there")
        raise


def show(summary: dict[str, Any], json: str | None, quiet: bool) -> None:
    """Give a profile's figures out in every form that was asked for."""
    import msgspec

    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.report.profile import profile_text

    if json is not None:
        write_json(json, msgspec.json.format(msgspec.json.encode(summary), indent=2))
    if text_wanted(json, quiet):
        print(profile_text(summary, *terminal()))
