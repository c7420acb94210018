"""`zswapsim capture`: a running process's anonymous pages as a file of pages."""

from typing import Annotated

import typer

OWNER_ONLY = 0o600
WARNING = "holds that process's private data, as it lay in memory (keys and passwords too); only you may read the file"


def command(
    pid: Annotated[str, typer.Argument(metavar="PID", help="The process; it goes on running meanwhile.")],
    output: Annotated[str, typer.Option("--output", "-o", metavar="FILE.pages", help="The file to write.")],
    limit: Annotated[
        str | None, typer.Option(metavar="SIZE", help="At most so much, evenly spread over its pages: 64MiB.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No summary, no progress bar.")] = False,
) -> None:
    """Read the present anonymous pages (heap, stack, private mappings) of process PID into FILE.pages.

    The file holds whatever the process has in memory: it is made readable to its owner alone. FILE.pages appears
    whole or not at all.
    """
    from zswapsim.cli.progress import progress_bar
    from zswapsim.study.sizes import PAGE_SIZE, parse_size
    from zswapsim.traces.capture import Snapshot
    from zswapsim.traces.contents import write_pages
    from zswapsim.traces.kinds import Tally

    most = None if limit is None else parse_size(limit, "--limit") // PAGE_SIZE
    snapshot = Snapshot(pid, most)
    tally = Tally()
    with progress_bar("capturing", unit="pages", quiet=quiet) as progress:
        write_pages(output, tally.over(snapshot.blocks(progress)), OWNER_ONLY)
    typer.echo(f"zswapsim: {output}: {WARNING}", err=True)
    if not snapshot.knows_present:
        typer.echo(f"zswapsim: {output}: this kernel hides which pages are present: zero pages were left out", err=True)
    if not quiet:
        print(
            f"{output}: {tally.pages} pages of {snapshot.regions} mappings,"
            f" {100 * tally.zero / tally.pages:.1f} % zero, {100 * tally.same_filled / tally.pages:.1f} % same-filled"
        )
