"""Print the compressors of this machine, and their results on pages, as text."""

from collections.abc import Mapping, Sequence

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.compressors import CompressorInfo, Parameter
from zswapsim.report.table import Column, render
from zswapsim.report.units import TIMES, count, factor, format_size, in_one_unit, share

Summary = Mapping[str, float | int | None]


def listing_text(infos: Sequence[CompressorInfo], width: int | None, colour: bool) -> str:
    """Return a row for each compressor, a line for each that is not available, and the meaning of parameters."""
    usable = [info for info in infos if not info.missing]
    keys = [Column("compressor", [info.name for info in usable], left=True)]
    columns = [
        Column("parameters", [parameters_text(info) for info in usable], left=True),
        Column("origin", [info.origin for info in usable], left=True),
        Column("version", [info.version or "-" for info in usable], left=True),
        Column("library", [info.library or "-" for info in usable], left=True),
    ]
    parts = [render(keys, columns, width, colour)]
    parts += [f"not available: {info.missing}" for info in infos if info.missing]
    helps = [f"  {info.name}:{p.name}  {p.help}" for info in usable for p in info.parameters if p.help]
    return "\n\n".join([*parts, "\n".join(["Parameters are written NAME:PARAMETER=VALUE,...", *helps])])


def parameters_text(info: CompressorInfo) -> str:
    """Return the parameters of a compressor, with ranges and initial values: ``level=3…12 (9)``."""
    texts = [range_text(parameter) for parameter in info.parameters]
    return ", ".join(texts + ["dict=FILE"] * info.takes_dictionary) or "-"


def range_text(parameter: Parameter) -> str:
    """Return one parameter: ``level=3…12 (9)``."""
    return f"{parameter.name}={parameter.lowest}…{parameter.highest} ({parameter.initial})"


def measured_text(specs: Sequence[str], summaries: Sequence[Summary], width: int | None, colour: bool) -> str:
    """Return a table of results with a row for each compressor; the best of a column is marked."""
    keys = [Column("compressor", specs, left=True)]
    columns = [
        figures("ratio", summaries, "ratio", highest=True),
        *(sizes(summaries, percent) for percent in (10, 50, 90, 99)),
        shares("incompressible", summaries, "incompressible"),
        *(
            times(f"{step} {title}", summaries, f"{step}_ns_{key}")
            for step in ("compress", "decompress")
            for title, key in (("median", "p50"), ("p99", "p99"))
        ),
        Column("pool frames", [shown(each["pool_frames"]) for each in summaries], best=best(summaries, "pool_frames")),
        figures("pages a frame", summaries, "pool_ratio", highest=True),
    ]
    return "\n\n".join([heading(summaries), render(keys, columns, width, colour)])


def heading(summaries: Sequence[Summary]) -> str:
    """Return the line of figures that do not depend on the compressor."""
    first = summaries[0]
    pages = int(first["pages"] or 0)
    same = share(float(first["same_filled"] or 0), 1)
    size = format_size(PAGE_SIZE * pages)
    return f"{count(pages)} pages ({size}), {same} of them same-filled: stored without compression"


def best(summaries: Sequence[Summary], key: str, highest: bool = False) -> frozenset[int]:
    """Return the rows with the best value, none if all are equal."""
    values = [each[key] for each in summaries]
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return frozenset()
    wanted = max(known) if highest else min(known)
    return frozenset(row for row, value in enumerate(values) if value == wanted)


def figures(title: str, summaries: Sequence[Summary], key: str, highest: bool = False) -> Column:
    """Return a column of ratios."""
    return Column(title, [factor(each[key]) for each in summaries], best=best(summaries, key, highest))


def sizes(summaries: Sequence[Summary], percent: int) -> Column:
    """Return a column of compressed sizes in bytes."""
    key = f"size_p{percent}"
    return Column(f"p{percent} B", [shown(each[key]) for each in summaries], best=best(summaries, key))


def shares(title: str, summaries: Sequence[Summary], key: str) -> Column:
    """Return a column of shares of all pages."""
    return Column(title, [share(each[key] or 0, 1) for each in summaries], best=best(summaries, key))


def times(title: str, summaries: Sequence[Summary], key: str) -> Column:
    """Return a column of times, all in one unit."""
    unit, cells = in_one_unit([each[key] for each in summaries], TIMES)
    return Column(f"{title} {unit}", cells, best=best(summaries, key))


def shown(value: float | None) -> str:
    """Return a whole number, or a dash if there is none."""
    return "-" if value is None else count(value)
