"""Count the pages that a compressing device loses, under each control.

Pages are swapped out to a device until it is full to just below its high water
mark; then pages compress worse, and software learns of that only after the
delay. The first table counts the pages lost and refused, for every combination
of headroom, delay, inflow and drop in compressibility. The second table is the
counter-example to every control at allocation: pages of zeros that are
overwritten in place.
"""

import argparse
from typing import TYPE_CHECKING

from zswapsim.cli.options import add_output, number, whole_number
from zswapsim.cli.streams import say
from zswapsim.study.settings.cram import CONTROLS

if TYPE_CHECKING:
    from zswapsim.study.cram.headroom import HeadroomCase, HeadroomPoint
    from zswapsim.study.cram.overwritten import Overwritten

HEADROOMS = (2.0, 5.0, 10.0, 20.0)
DELAYS = ("100us", "1ms", "10ms")
INFLOWS = ("1GB", "4GB")
RATIOS = (3.0, 1.0)


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim cram`."""
    parser.usage = "%(prog)s [options]"
    varied = parser.add_argument_group("Varied (each may be given several times)")
    text = "Physical space above the high water mark. [default: 2, 5, 10, 20]"
    varied.add_argument("--headroom", metavar="PERCENT", type=number, action="append", help=text)
    text = "Age of the device's figures when software reads them. [default: 100us, 1ms, 10ms]"
    varied.add_argument("--delay", metavar="TIME", action="append", help=text)
    text = "Bytes of pages swapped out each second. [default: 1GB, 4GB]"
    varied.add_argument("--inflow", metavar="SIZE", action="append", help=text)
    text = "Compression ratio once the device is full. [default: 3, 1]"
    varied.add_argument("--after", metavar="RATIO", type=number, action="append", help=text)
    text = f"Control of the device: {', '.join(CONTROLS)}. [default: all]"
    varied.add_argument("--control", metavar="NAME", action="append", help=text)
    _prepare_device(parser)
    add_output(parser)


def _prepare_device(parser: argparse.ArgumentParser) -> None:
    """Declare the options that all cases share."""
    device = parser.add_argument_group("Device")
    text = "Compression ratio until the device is full. [default: %(default)s]"
    device.add_argument("--before", metavar="RATIO", type=number, default=3.0, help=text)
    text = "Physical capacity. [default: %(default)s]"
    device.add_argument("--physical", metavar="SIZE", default="64MiB", help=text)
    text = "Advertised capacity over physical capacity. [default: %(default)s]"
    device.add_argument("--advertised", metavar="RATIO", type=number, default=4.0, help=text)
    text = "Time between two batches of zeroing. [default: %(default)s]"
    device.add_argument("--zero", metavar="TIME", default="1s", help=text)
    text = "Write tokens granted at a time. [default: %(default)s]"
    device.add_argument("--tokens", metavar="N", type=whole_number, default=1024, help=text)
    text = "Compressor of the device in the counter-example. [default: %(default)s]"
    device.add_argument("--compressor", metavar="SPEC", default="bdi", help=text)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim cram`."""
    from zswapsim.cli.output import check_output
    from zswapsim.cli.progress import progress_bar
    from zswapsim.compressors import get_compressor
    from zswapsim.study.cram.headroom import replay_cases
    from zswapsim.study.cram.overwritten import overwritten_zeros
    from zswapsim.study.settings.cram import nanoseconds
    from zswapsim.study.settings.sizes import parse_size

    controls = controls_of(args)
    common = device_of(args)
    codec = get_compressor(args.compressor)
    check_output(args.json)
    with progress_bar("replaying", unit="cases", quiet=args.quiet) as progress:
        points = replay_cases(
            controls,
            list(dict.fromkeys(args.headroom or HEADROOMS)),
            [nanoseconds("delay", text) for text in args.delay or DELAYS],
            [parse_size(text, "--inflow") for text in args.inflow or INFLOWS],
            args.after or list(RATIOS),
            common,
            progress,
        )
    show(points, overwritten_zeros(codec), args)


def controls_of(args: argparse.Namespace) -> list[str]:
    """Return the controls to study. Raises InputError."""
    from zswapsim._core.base.errors import InputError

    controls = list(dict.fromkeys(args.control or CONTROLS))
    for name in controls:
        if name not in CONTROLS:
            raise InputError(f"--control {name}: expected one of {', '.join(CONTROLS)}")
    return controls


def device_of(args: argparse.Namespace) -> "HeadroomCase":
    """Return the part of a case that all cases share. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.study.cram.headroom import HeadroomCase
    from zswapsim.study.settings.cram import nanoseconds
    from zswapsim.study.settings.sizes import parse_size

    if not 0 < args.tokens < 1 << 32:
        raise InputError(f"--tokens {args.tokens}: expected a whole number from 1 to {(1 << 32) - 1}")
    return HeadroomCase(
        ratio_before=args.before,
        physical=parse_size(args.physical, "--physical"),
        advertised_ratio=args.advertised,
        zero_ns=nanoseconds("zero", args.zero),
        token_batch=args.tokens,
    )


def show(points: "list[HeadroomPoint]", found: "list[Overwritten]", args: argparse.Namespace) -> None:
    """Write both tables in every form that was asked for."""
    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.json_text import json_document
    from zswapsim.report.headroom import headroom_text, overwritten_text

    if args.json is not None:
        both = {"headroom": points, "overwritten": found}
        write_json(args.json, json_document(both))
    if text_wanted(args.json, args.quiet):
        say(f"{headroom_text(points, *terminal())}\n\n{overwritten_text(found, *terminal())}")
