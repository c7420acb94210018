"""`zswapsim compare`: one trace, every combination of settings, one table."""

from typing import Annotated, Any

import typer

from zswapsim.cli.options import (
    CHOICES,
    ContentsOption,
    JsonOption,
    ProfileOption,
    QuietOption,
    TraceArgument,
    profiled,
    with_settings,
)

FASTEST = ("backend", "compressor")  # vary within a row's neighbours, so that they stand under one another


@with_settings(depth="sizes", several=True)
def command(
    trace: TraceArgument,
    contents: ContentsOption = None,
    profile: ProfileOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    processes: Annotated[int, typer.Option(metavar="N", help="Processes to run in; 0 for one a processor.")] = 0,
    **settings: Any,
) -> None:
    """Replay TRACE over every combination of settings and mark the best of each column.

    Options of SIZE, NAME, SPEC or N in the plural may be given several times: --compressor lz4 --compressor
    zstd:level=3 --dram 30% --dram 50% makes four rows. Each content is compressed once for each compressor, and with
    --profile not at all.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output, results_json, terminal, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.comparison import comparison_text
    from zswapsim.study.compare import combinations, compare

    if processes < 0:
        raise InputError(f"--processes {processes}: expected 0 or more")
    order = [name for name in CHOICES if name not in FASTEST]
    asked = combinations(**{name: settings[name] for name in (*order, *FASTEST)})
    check_output(json)
    held, known = profiled(contents, profile, settings["depth"])
    with progress_bar("comparing", quiet=quiet) as progress:
        results = compare(trace, held, asked, processes=processes or None, progress=progress, profile=known)
    if json is not None:
        write_json(json, results_json(results))
    if text_wanted(json, quiet):
        print(comparison_text(results, *terminal()))
