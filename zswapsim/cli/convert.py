"""`zswapsim convert`: a trace rewritten in another form."""

from typing import Annotated

import typer

STDOUT = "-"


def command(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A trace file, bundled:json, bundled:sort, or gen:zipf,pages=1e5,...")
    ],
    target: Annotated[
        str, typer.Argument(metavar="OUT", help="The file to write, its form by its suffix; - for CSV on stdout.")
    ],
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, no progress bar.")] = False,
) -> None:
    """Rewrite the trace IN in the form that OUT's suffix names.

    Forms: .parquet, .csv, .csv.zst, .npy, and libCacheSim's oracleGeneral as .bin or .oracleGeneral (also .zst). OUT
    appears whole or not at all.
    """
    from zswapsim.cli.progress import progress_bar
    from zswapsim.traces.convert import convert_trace

    if target == STDOUT:
        _print_csv(source)
        return
    with progress_bar("converting", unit="events", quiet=quiet) as progress:
        converted = convert_trace(source, target, progress)
    for what in converted.lost:
        typer.echo(f"zswapsim: {target}: this form has no place for {what}", err=True)
    if not quiet:
        writes = 100 * converted.writes / converted.events
        print(f"{target}: {converted.events} events, {converted.pages} distinct pages, {writes:.1f} % writes")


def _print_csv(source: str) -> None:
    import sys

    from zswapsim.traces.csvform import write_csv
    from zswapsim.traces.forms import read_trace

    write_csv(read_trace(source), sys.stdout.buffer)
    sys.stdout.buffer.flush()
