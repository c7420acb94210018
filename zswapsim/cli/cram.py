"""`zswapsim cram`: what a compressing device loses, under which control."""

from typing import TYPE_CHECKING, Annotated

import typer

from zswapsim.cli.options import JsonOption, QuietOption
from zswapsim.study.cram import CONTROLS

if TYPE_CHECKING:
    from zswapsim.study.headroom import HeadroomPoint, Overwritten


def command(  # noqa: PLR0913, PLR0917 - each is an option
    headroom: Annotated[
        list[float] | None,
        typer.Option(metavar="PERCENT", help="Physical space above the high water mark. [default: 2, 5, 10, 20]"),
    ] = None,
    delay: Annotated[
        list[str] | None,
        typer.Option(metavar="TIME", help="Age of what software reads. [default: 100us, 1ms, 10ms]"),
    ] = None,
    inflow: Annotated[
        list[str] | None,
        typer.Option(metavar="SIZE", help="Bytes of pages swapped out a second. [default: 1GB, 4GB]"),
    ] = None,
    after: Annotated[
        list[float] | None,
        typer.Option(metavar="RATIO", help="Compression once the device is filled. [default: 3, 1]"),
    ] = None,
    control: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"{', '.join(CONTROLS)}; all by default."),
    ] = None,
    before: Annotated[float, typer.Option(metavar="RATIO", help="Compression until then.")] = 3.0,
    physical: Annotated[str, typer.Option(metavar="SIZE", help="Physical capacity of the device.")] = "64MiB",
    advertised: Annotated[float, typer.Option(metavar="RATIO", help="Advertised over physical capacity.")] = 4.0,
    zero: Annotated[str, typer.Option(metavar="TIME", help="Between two batches of zeroing.")] = "1s",
    tokens: Annotated[int, typer.Option(metavar="N", help="Write tokens granted at a time.")] = 1024,
    compressor: Annotated[str, typer.Option(metavar="SPEC", help="The device's codec, for the example.")] = "bdi",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """How many pages a compressing device loses: headroom x notice delay x inflow x drop in compressibility.

    Pages are swapped out to a device until it is full to just below its high water mark; then they compress worse,
    and software learns of that after the delay. The second table is the counter-example to every control at
    allocation: zeros that are overwritten in place. The first five options may be given several times.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.compressors import get_compressor
    from zswapsim.study.cram import nanoseconds
    from zswapsim.study.headroom import HeadroomCase, overwritten_zeros, study
    from zswapsim.study.sizes import parse_size

    controls = list(dict.fromkeys(control or CONTROLS))
    for name in controls:
        if name not in CONTROLS:
            raise InputError(f"--control {name}: expected one of {', '.join(CONTROLS)}")
    if not 0 < tokens < 1 << 32:
        raise InputError(f"--tokens {tokens}: expected at least one")
    common = HeadroomCase(
        ratio_before=before,
        physical=parse_size(physical, "--physical"),
        advertised_ratio=advertised,
        zero_ns=nanoseconds("zero", zero),
        token_batch=tokens,
    )
    codec = get_compressor(compressor)
    check_output(json)
    with progress_bar("replaying", unit="cases", quiet=quiet) as progress:
        points = study(
            controls,
            list(dict.fromkeys(headroom or (2.0, 5.0, 10.0, 20.0))),
            [nanoseconds("delay", text) for text in delay or ("100us", "1ms", "10ms")],
            [parse_size(text, "--inflow") for text in inflow or ("1GB", "4GB")],
            after or [3.0, 1.0],
            common,
            progress,
        )
    show(points, overwritten_zeros(codec), json, text=text_wanted(json, quiet))


def show(points: "list[HeadroomPoint]", found: "list[Overwritten]", json: str | None, *, text: bool) -> None:
    """Give both tables out, in every form that was asked for."""
    import msgspec

    from zswapsim.cli.output import terminal, write_json
    from zswapsim.report.headroom import headroom_text, overwritten_text

    if json is not None:
        both = {"headroom": points, "overwritten": found}
        write_json(json, msgspec.json.format(msgspec.json.encode(both), indent=2))
    if text:
        print(f"{headroom_text(points, *terminal())}\n\n{overwritten_text(found, *terminal())}")
