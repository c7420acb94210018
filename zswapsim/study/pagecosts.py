"""What pages cost with each compressor, measured here."""

import os
from collections.abc import Callable, Mapping, Sequence

from zswapsim._core.codec import Codec
from zswapsim._core.errors import InputError
from zswapsim.compressors import get_compressor
from zswapsim.compressors.measure import measure
from zswapsim.study.cost import PRESETS
from zswapsim.study.estimate import PageCosts
from zswapsim.study.settings import Settings
from zswapsim.traces import Contents

Progress = Callable[[int, int], None]


def codecs_of(compressors: Sequence[str]) -> dict[str, Codec]:
    """Codecs by their whole spec, each once. Raises InputError where there is none."""
    codecs = {codec.spec: codec for codec in map(get_compressor, compressors)}
    if not codecs:
        raise InputError("--compressor: expected at least one")
    return codecs


def measure_costs(
    codecs: Mapping[str, Codec],
    contents: Contents,
    pages: int,
    settings: Settings,
    progress: Progress | None = None,
) -> dict[str, PageCosts]:
    """The costs of a footprint of `pages` pages over `contents`, by compressor."""
    threads = len(os.sched_getaffinity(0))
    return {
        spec: PageCosts(
            measure(codec, contents.images, threads, progress),
            pages,
            PRESETS[settings.cost],
            chain_size=settings.chain_size,
            seed=settings.seed,
            zero_map=settings.zero_map,
        )
        for spec, codec in codecs.items()
    }
