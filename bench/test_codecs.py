"""Compare this project's own codecs in C with liblz4, both in a C loop without the GIL (`native/bare.pyx`)."""

import numpy as np
import pytest
from liblzo2 import Liblzo2
from native.bare import BareCodec
from numpy.typing import NDArray
from race import Row, race

from zswapsim.compressors import get_compressor

Pages = NDArray[np.uint8]

# lz4-linux may not be slower than the library that it replaces; the others do different work.
AT_MOST = {"lz4-linux": 1.0}
SPECS = ["lz4-linux", "lzo", "lzo-rle", "wkdm", "bdi", "fpc"]


@pytest.mark.parametrize("spec", SPECS)
def test_compressing_beside_liblz4(benchmark, scale, ratios, pages: Pages, spec: str) -> None:
    bare = {name: BareCodec(get_compressor(name), pages) for name in (spec, "lz4")}
    runners = {name: lambda codec=codec: codec.compress() / len(pages) for name, codec in bare.items()}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(Row(f"compress a page, {spec}", "page", best[spec], "liblz4", best["lz4"], AT_MOST.get(spec)))


@pytest.mark.parametrize("spec", SPECS)
def test_decompressing_beside_liblz4(benchmark, scale, ratios, pages: Pages, spec: str) -> None:
    out = np.zeros_like(pages)
    bare = {name: BareCodec(get_compressor(name), pages) for name in (spec, "lz4")}
    runners = {name: lambda codec=codec: codec.decompress(out) / len(pages) for name, codec in bare.items()}
    best = race(benchmark, scale.rounds, runners)
    assert np.array_equal(out, pages)
    ratios.append(Row(f"decompress a page, {spec}", "page", best[spec], "liblz4", best["lz4"], AT_MOST.get(spec)))


def test_lzo_beside_liblzo2(benchmark, scale, ratios, pages: Pages, tmp_path) -> None:
    ours, theirs = BareCodec(get_compressor("lzo"), pages), Liblzo2(tmp_path, pages)
    runners = {"lzo": lambda: ours.compress() / len(pages), "liblzo2": lambda: theirs.compress() / len(pages)}
    best = race(benchmark, scale.rounds, runners)
    ratios.append(Row("compress a page, lzo", "page", best["lzo"], "liblzo2", best["liblzo2"], 1.0))


def test_lzo_back_beside_liblzo2(benchmark, scale, ratios, pages: Pages, tmp_path) -> None:
    out = np.zeros_like(pages)
    ours, theirs = BareCodec(get_compressor("lzo"), pages), Liblzo2(tmp_path, pages)
    theirs.compress()
    runners = {"lzo": lambda: ours.decompress(out) / len(pages), "liblzo2": lambda: theirs.decompress(out) / len(pages)}
    best = race(benchmark, scale.rounds, runners)
    assert np.array_equal(out, pages)
    ratios.append(Row("decompress a page, lzo", "page", best["lzo"], "liblzo2", best["liblzo2"], 1.0))
