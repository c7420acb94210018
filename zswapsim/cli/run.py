"""`zswapsim run`: one trace, one setting, one Result."""

from typing import Annotated, Any

import typer

from zswapsim.cli.options import (
    ContentsOption,
    JsonOption,
    ProfileOption,
    QuietOption,
    TraceArgument,
    profiled,
    with_settings,
)

AS = ("mm_stat", "zswap", "vmstat")


@with_settings(depth="bytes")
def command(
    trace: TraceArgument,
    contents: ContentsOption = None,
    profile: ProfileOption = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
    form: Annotated[
        str | None, typer.Option("--as", metavar="FORM", help=f"Print counters as the kernel does: {', '.join(AS)}.")
    ] = None,
    **settings: Any,
) -> None:
    """Replay TRACE over one setting: page faults, reclaim, compression into the node, writeback.

    Pages are really compressed, stored, loaded and compared, unless --depth says otherwise; with --contents none
    only faults are counted. Ctrl-C ends the run with what was counted so far.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.kernelforms import kernel_form
    from zswapsim.report.text import result_text
    from zswapsim.study.result import INTERRUPTED
    from zswapsim.study.run import run
    from zswapsim.study.settings import Settings

    asked = Settings(**settings)
    if form is not None and form not in AS:
        raise InputError(f"--as {form}: expected one of {', '.join(AS)}")
    check_output(json)
    held, measured = profiled(contents, profile, asked.depth)
    with progress_bar("replaying", quiet=quiet) as progress:
        result = run(trace, held, asked, measured=measured, progress=progress)
    if json is not None:
        write_json(json, result.to_json())
    if text_wanted(json, quiet):
        print(result_text(result) if form is None else kernel_form(result, form))
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
