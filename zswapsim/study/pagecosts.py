"""What pages cost with each compressor, measured here."""

from collections.abc import Callable, Mapping, Sequence

from zswapsim._core.base.errors import InputError
from zswapsim._core.codec.codec import Codec
from zswapsim.compressors import get_compressor
from zswapsim.study.coldmemory import cold_ns_per_byte
from zswapsim.study.cost import PRESETS
from zswapsim.study.estimate import PageCosts
from zswapsim.study.profile import Profile, make_profile
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
    profile: Profile | None = None,
) -> dict[str, PageCosts]:
    """The costs of a footprint of `pages` pages over `contents`, by compressor.

    Every distinct content is measured once; with a `profile` of them nothing is. Raises InputError where that is of
    other contents, or lacks a codec.
    """
    if profile is None:
        profile = make_profile(contents, list(codecs.values()), progress=progress)
    profile.check(contents, list(codecs))
    cold = cold_ns_per_byte(pages)
    return {
        spec: PageCosts(
            profile.measured(codec),
            pages,
            PRESETS[settings.cost],
            chain_size=settings.chain_size,
            seed=settings.seed,
            zero_map=settings.zero_map,
            cold=cold,
        )
        for spec, codec in codecs.items()
    }
