"""List the compressors, or measure them on a page file.

Without options, every compressor of this machine is listed with its parameters
and their ranges, library file and version. With --pages, every page is
compressed and decompressed with each of them (or with those of --compressor),
and ratio, sizes, times and the frames of a pool are printed. With --train-dict,
a dictionary for zstd is trained from the pages instead.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from zswapsim.cli.options import CHAIN_HELP, MOST_THREADS, add_output, whole_number
from zswapsim.cli.streams import say
from zswapsim.text import printable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.cli.progress import Progress
    from zswapsim.compressors import CompressorInfo


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim compressors`."""
    parser.usage = "%(prog)s [options]"
    text = "Measure on these pages: FILE.pages, recipe:NAME or pid:PID."
    parser.add_argument("--pages", metavar="FILE", help=text)
    text = "Measure this compressor, as in zstd:level=3. Repeatable. [default: all]"
    parser.add_argument("--compressor", metavar="SPEC", action="append", help=text)
    text = "Measure in N threads. [default: %(default)s]"
    parser.add_argument("--threads", metavar="N", type=whole_number, default=1, help=text)
    text = f"{CHAIN_HELP} [default: %(default)s]"
    parser.add_argument("--chain-size", metavar="N", type=whole_number, default=8, help=text)
    text = "Train a dictionary for zstd from the pages and write it to OUT."
    parser.add_argument("--train-dict", metavar="OUT", help=text)
    text = "Limit the size of the dictionary. [default: %(default)s]"
    parser.add_argument("--dict-size", metavar="SIZE", default="16KiB", help=text)
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim compressors`."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output

    check_output(args.json)
    check_output(args.train_dict)
    if args.pages is None and (args.compressor or args.train_dict is not None):
        given = "--compressor" if args.compressor else "--train-dict"
        raise InputError(f"{given}: expected --pages FILE as well")
    if args.train_dict is not None:
        document = train(args.pages, args.train_dict, args.dict_size, args.json, args.quiet)
    elif args.pages is not None:
        document = measure_all(args.pages, args.compressor or [], args.threads, args.chain_size, args.json, args.quiet)
    else:
        document = list_all(args.json, args.quiet)
    if args.json is not None:
        from zswapsim.cli.output import write_json
        from zswapsim.json_text import json_document

        write_json(args.json, json_document(document))


def list_all(json: str | None, quiet: bool) -> dict[str, Any]:
    """Print the list and return it as plain data."""
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.compressors import available
    from zswapsim.report.compressors import listing_text

    infos = available()
    if text_wanted(json, quiet):
        say(listing_text(infos, *terminal()))
    return {"compressors": [info_record(info) for info in infos]}


def info_record(info: CompressorInfo) -> dict[str, Any]:
    """Return one compressor as plain data."""
    return {
        "name": info.name,
        "parameters": [parameter._asdict() for parameter in info.parameters],
        "takes_dictionary": info.takes_dictionary,
        "origin": info.origin,
        "library": info.library,
        "version": info.version,
        "missing": info.missing,
    }


def measure_all(
    source: str, specs: list[str], threads: int, chain_size: int, json: str | None, quiet: bool
) -> dict[str, Any]:
    """Measure, print, and return the results as plain data.

    Without `specs` every compressor is measured, and one that fails is reported and left out.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.compressors import measured_text

    if not 1 <= threads <= MOST_THREADS:
        raise InputError(f"--threads {threads}: expected at least 1, and at most {MOST_THREADS}")
    if not 4 <= chain_size <= 16:
        raise InputError(f"--chain-size {chain_size}: expected 4 to 16")
    chosen, failures = list(dict.fromkeys(specs)) or usable_names(), {}
    measured: dict[str, Any] = {}
    with progress_bar("measuring", "pages", quiet) as progress:
        images = read_images(source)
        for spec in chosen:
            try:
                measured |= measure_one(spec, images, threads, chain_size, progress)
            except RuntimeError as error:  # CodecError, PluginError, CorruptPageError
                if specs:
                    raise
                failures[spec] = str(error)
    if text_wanted(json, quiet):
        say(measured_text(list(measured), list(measured.values()), *terminal()))
        for failure in failures.values():
            say(f"\nnot measured: {printable(failure)}")
    return {
        "pages": source,
        "chain_size": chain_size,
        "measured": [{"compressor": spec, **summary} for spec, summary in measured.items()],
        "failed": failures,
    }


def measure_one(
    spec: str, images: NDArray[np.uint8], threads: int, chain_size: int, progress: Progress | None
) -> dict[str, dict[str, float | int | None]]:
    """Return the summary of one compressor under its canonical name."""
    from zswapsim.compressors import get_compressor, measure

    codec = get_compressor(spec)
    return {codec.spec: measure(codec, images, threads, progress).summary(chain_size)}


def usable_names() -> list[str]:
    """Return the names of the compressors that this machine has."""
    from zswapsim.compressors import available

    return [info.name for info in available() if not info.missing]


def read_images(source: str) -> NDArray[np.uint8]:
    """Return the pages as they are, without the variants that a replay adds. Raises InputError."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.traces.contents import read_contents, read_pages

    if not source.startswith(("recipe:", "pid:")):
        return read_pages(source)
    contents = read_contents(source)
    if contents is None:
        raise InputError(f"--pages {source}: expected FILE.pages, recipe:NAME or pid:PID")
    return contents.images


def train(source: str, out: str, size: str, json: str | None, quiet: bool) -> dict[str, Any]:
    """Train a dictionary, write it whole or not at all, and print how to use it."""
    from zswapsim.cli.output import text_wanted, warn_private
    from zswapsim.compressors import train_dictionary
    from zswapsim.files.atomic import atomic_write
    from zswapsim.files.privacy import HOLDS, is_private, permissions_for
    from zswapsim.study.settings.sizes import parse_size

    limit = parse_size(size, "--dict-size")
    images = read_images(source)
    dictionary = train_dictionary(images, limit)
    private = source.startswith("pid:") or is_private(source)
    with atomic_write(out, permissions=permissions_for(private)) as file:
        file.write(dictionary)
    if private:
        warn_private(out, HOLDS)
    if text_wanted(json, quiet):
        name = printable(out)
        say(f"{name}: {len(dictionary)} bytes, trained from {len(images)} pages: use it as zstd:dict={name}")
    return {"dictionary": {"file": out, "bytes": len(dictionary), "pages": len(images)}}
