"""`zswapsim compressors`: which codecs there are, what they do with given pages, and dictionaries for zstd."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from zswapsim.cli.options import JsonOption, QuietOption

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zswapsim.cli.progress import Progress
    from zswapsim.compressors import CompressorInfo


def command(
    pages: Annotated[
        str | None, typer.Option(metavar="FILE", help="Measure on these pages: FILE.pages, recipe:NAME or pid:PID.")
    ] = None,
    compressor: Annotated[
        list[str] | None, typer.Option(metavar="SPEC", help="Measure this one, as in zstd:level=3. Repeatable.")
    ] = None,
    threads: Annotated[int, typer.Option(metavar="N", help="Measure in N threads.")] = 1,
    chain_size: Annotated[int, typer.Option(metavar="N", help="Most frames in a zspage of the pool, 4 to 16.")] = 8,
    train_dict: Annotated[
        str | None, typer.Option(metavar="OUT", help="Train a dictionary for zstd from the pages, write it to OUT.")
    ] = None,
    dict_size: Annotated[str, typer.Option(metavar="SIZE", help="Its size at most.")] = "16KiB",
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """List the compressors of this machine: parameters and their ranges, library file and version.

    With --pages, compress and decompress every page with each of them (or with those of --compressor) and tell the
    ratio, sizes, times and the frames that a pool would take. With --train-dict, train a dictionary instead.
    """
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import check_output

    check_output(json)
    check_output(train_dict)
    if pages is None and (compressor or train_dict is not None):
        given = "--compressor" if compressor else "--train-dict"
        raise InputError(f"{given}: expected --pages FILE as well")
    if train_dict is not None:
        document = train(pages or "", train_dict, dict_size, json, quiet)
    elif pages is not None:
        document = measure_all(pages, compressor or [], threads, chain_size, json, quiet)
    else:
        document = list_all(json, quiet)
    if json is not None:
        import msgspec

        from zswapsim.cli.output import write_json

        write_json(json, msgspec.json.format(msgspec.json.encode(document), indent=2))


def list_all(json: str | None, quiet: bool) -> dict[str, Any]:
    """Print the list; the same as plain data."""
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.compressors import available
    from zswapsim.report.compressors import listing_text

    infos = available()
    if text_wanted(json, quiet):
        print(listing_text(infos, *terminal()))
    return {"compressors": [info_record(info) for info in infos]}


def info_record(info: CompressorInfo) -> dict[str, Any]:
    """One codec as plain data."""
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
    """Measure and print; the same as plain data. Without `specs` what can't be used is told and left out."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.cli.output import terminal, text_wanted
    from zswapsim.cli.progress import progress_bar
    from zswapsim.report.compressors import measured_text

    if threads < 1:
        raise InputError(f"--threads {threads}: expected at least 1")
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
        print(measured_text(list(measured), list(measured.values()), *terminal()))
        for failure in failures.values():
            print(f"\nnot measured: {failure}")
    return {
        "pages": source,
        "chain_size": chain_size,
        "measured": [{"compressor": spec, **summary} for spec, summary in measured.items()],
        "failed": failures,
    }


def measure_one(
    spec: str, images: NDArray[np.uint8], threads: int, chain_size: int, progress: Progress | None
) -> dict[str, dict[str, float | int | None]]:
    """The summary of one codec under its canonical name."""
    from zswapsim.compressors import get_compressor, measure

    codec = get_compressor(spec)
    return {codec.spec: measure(codec, images, threads, progress).summary(chain_size)}


def usable_names() -> list[str]:
    """The codecs that this machine has."""
    from zswapsim.compressors import available

    return [info.name for info in available() if not info.missing]


def read_images(source: str) -> NDArray[np.uint8]:
    """The pages themselves: a file's as they are, without the variants that a replay adds."""
    from zswapsim._core.base.errors import InputError
    from zswapsim.traces.contents import read_contents, read_pages

    if not source.startswith(("recipe:", "pid:")):
        return read_pages(source)
    contents = read_contents(source)
    if contents is None:
        raise InputError(f"--pages {source}: expected FILE.pages, recipe:NAME or pid:PID")
    return contents.images


def train(source: str, out: str, size: str, json: str | None, quiet: bool) -> dict[str, Any]:
    """Train a dictionary, write it whole or not at all, and tell how it is used."""
    from zswapsim.cli.output import text_wanted
    from zswapsim.compressors import train_dictionary
    from zswapsim.study.sizes import parse_size
    from zswapsim.traces.atomic import atomic_write

    limit = parse_size(size, "--dict-size")
    images = read_images(source)
    dictionary = train_dictionary(images, limit)
    with atomic_write(out) as file:
        file.write(dictionary)
    if text_wanted(json, quiet):
        print(f"{out}: {len(dictionary)} bytes, trained from {len(images)} pages: use it as zstd:dict={out}")
    return {"dictionary": {"file": out, "bytes": len(dictionary), "pages": len(images)}}
