"""Print a content profile as text."""

from collections.abc import Mapping
from typing import Any

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.compressors import figures, shares, times
from zswapsim.report.table import Column, render
from zswapsim.report.units import count, format_size, share
from zswapsim.text import printable


def profile_text(summary: Mapping[str, Any], width: int | None = None, colour: bool = False) -> str:
    """Return a row for each compressor, the best of a column marked.

    `summary` is that of :meth:`Profile.summary`, with the file's name as `profile`.
    """
    codecs = summary["codecs"]
    keys = [Column("compressor", [each["compressor"] for each in codecs], left=True)]
    columns = [
        Column("pages", [count(each["pages"]) for each in codecs]),
        Column("distinct", [count(summary["distinct"])] * len(codecs)),
        Column("measured now", [count(each["measured"]) for each in codecs]),
        figures("ratio", codecs, "ratio", highest=True),
        shares("incompressible", codecs, "incompressible"),
        *(
            times(f"{step} {figure}", codecs, f"{step}_ns_{figure}")
            for step in ("compress", "decompress")
            for figure in ("mean", "p99")
        ),
        Column("version", [each["version"] for each in codecs], left=True),
    ]
    return "\n\n".join([heading(summary), render(keys, columns, width, colour), *machines(codecs)])


def heading(summary: Mapping[str, Any]) -> str:
    """Return the lines that say what was profiled."""
    pages, distinct = summary["pages"], summary["distinct"]
    same = summary["codecs"][0]["same_filled"] if summary["codecs"] else 0
    return (
        f"{printable(summary['profile'])}: {printable(summary['contents'])}, hash {summary['contents_hash']}\n"
        f"{count(pages)} pages"
        f" ({format_size(PAGE_SIZE * pages)}), {share(same, 1)} of them same-filled;"
        f" {count(distinct)} distinct contents"
    )


def machines(codecs: list[Mapping[str, Any]]) -> list[str]:
    """Return the CPU on which times were measured, in one line if it is the same for all compressors."""
    names = list(dict.fromkeys(each["cpu"] for each in codecs))
    if len(names) == 1:
        return [f"times of {names[0]}"]
    return ["\n".join(f"times of {each['compressor']}: {each['cpu']}" for each in codecs)]
