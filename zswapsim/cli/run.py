"""`zswapsim run`: one trace, one setting, one Result."""

from typing import Any

from zswapsim.cli.options import ContentsOption, JsonOption, QuietOption, TraceArgument, with_settings


@with_settings(depth="bytes")
def command(
    trace: TraceArgument,
    contents: ContentsOption = "recipe:mix",
    json: JsonOption = None,
    quiet: QuietOption = False,
    **settings: Any,
) -> None:
    """Replay TRACE over one setting: page faults, reclaim, compression into the node, writeback.

    Pages are really compressed, stored, loaded and compared, unless --depth says otherwise; with --contents none
    only faults are counted. Ctrl-C ends the run with what was counted so far.
    """
    from zswapsim.cli.output import check_output, text_wanted, write_json
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.text import result_text
    from zswapsim.study.result import INTERRUPTED
    from zswapsim.study.run import run
    from zswapsim.study.settings import Settings

    asked = Settings(**settings)
    check_output(json)
    with progress_bar("replaying", quiet=quiet) as progress:
        result = run(trace, contents, asked, progress=progress)
    if json is not None:
        write_json(json, result.to_json())
    if text_wanted(json, quiet):
        print(result_text(result))
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
