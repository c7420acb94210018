"""List the settings of the digest: every backend, reclaimer, depth, folio, readahead, group and cram form."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

from tests.digest_inputs import Settings
from tests.digest_specs import ALL_POLICIES, CRAM, GROUPS, REAL, RECLAIMERS, TIERS, ZRAM, ZSWAP


class Case(NamedTuple):
    """Name a trace, contents ("" for none), and the fields of Settings that are not at their defaults."""

    trace: str
    contents: str
    fields: tuple[tuple[str, Any], ...]

    @property
    def name(self) -> str:
        """Return the name under which the case is recorded."""
        return " ".join([self.trace, self.contents or "none", *(f"{name}={value}" for name, value in self.fields)])

    @property
    def settings(self) -> Settings:
        return Settings(**dict(self.fields))

    @property
    def codec(self) -> str:
        """Return the codec's name without its parameters."""
        return dict(self.fields).get("compressor", "lz4-linux").partition(":")[0]


def case(trace: str, contents: str = "mix", /, **fields: Any) -> Case:
    """Return the case with these fields. By default DRAM is 40 % and the codec needs no library."""
    defaults: dict[str, Any] = {"dram": "40%"}
    if contents:
        defaults |= {"compressor": "lz4-linux"}
    return Case(trace, contents, tuple((defaults | fields).items()))


def backends() -> Iterator[Case]:
    """Yield every form of backend, at both depths that have contents, and at counts if it takes frames."""
    for backend, depth in product(("private-node", "disk", *ZSWAP, *TIERS), REAL):
        yield case("zipf", node="10%", depth=depth, backend=backend)
    for backend, depth in product(ZRAM, REAL):
        yield case("zipf", dram="80%", depth=depth, backend=backend)
    for pool in ("max_pool_percent=90", "max_pool_percent=50,max=1300000", "version=6.12,max_pool_percent=60"):
        yield case("zipf-read", dram="80%", depth="sizes", backend=f"zswap:writeback=0,{pool}")
    for backend in ("zram", "zram:charged=0", "zram:writeback_every=2000,writeback=huge"):
        yield case("zipf", depth="bytes", backend=backend)
    for backend in ("private-node", "disk", *ZSWAP[::4], *ZRAM[:6], *TIERS[:1], "cram"):
        yield case("zipf", "", backend=backend)
    for backend, contents in product(
        ("private-node", "zswap", "zswap:version=6.6", "zram"), ("half", "noise", "pattern", "sparse")
    ):
        yield case("uniform", contents, node="10%", depth="sizes", backend=backend, reclaim="two-list")


def reclaimers() -> Iterator[Case]:
    """Yield every reclaimer, with its parameters and several batches, on several traces, depths and backends."""
    for reclaim, trace in product(ALL_POLICIES, ("zipf", "phases", "loop")):
        yield case(trace, "", reclaim=reclaim)
    for reclaim, batch in product(RECLAIMERS, (1, 8, 100)):
        yield case("phases", "", dram="30%", reclaim=reclaim, reclaim_batch=batch)
    for reclaim, backend in product(RECLAIMERS, ("private-node", "zswap:max_pool_percent=15", "zram", "disk")):
        dram = "75%" if backend == "zram" else "35%"
        yield case("phases", dram=dram, node="8%", depth="sizes", reclaim=reclaim, backend=backend)
    for reclaim in ALL_POLICIES[1:]:
        yield case("uniform", node="8%", depth="bytes", reclaim=reclaim)
    for reclaim in RECLAIMERS:
        yield case("zipf", dram="80%", depth="sizes", reclaim=reclaim, backend="zram:mem_limit=1500KiB", swap="none")


def folios() -> Iterator[Case]:
    """Yield folio sizes, the ways to swap folios in and to compress them, backends and reclaimers."""
    for folio, backend, swapin in product(
        ("16KiB", "64KiB"), ("private-node", "zswap", "zram", "disk"), ("page", "whole", "auto")
    ):
        dram = "80%" if backend == "zram" else "50%"
        fields = {"folio": folio, "folio_swapin": swapin, "backend": backend, "reclaim": "two-list"}
        yield case("runs", dram=dram, depth="sizes", **fields)
    for reclaim in RECLAIMERS:
        yield case("runs", dram="80%", depth="sizes", reclaim=reclaim, folio="32KiB", backend="zram")
    for reclaim, folio in product(("lru", "two-list", "mglru"), ("16KiB", "128KiB")):
        yield case("phases", "", dram="60%", reclaim=reclaim, folio=folio)
    for folio, depth, compressor in product(("16KiB", "128KiB"), REAL, ("lz4", "zstd")):
        whole = {"folio": folio, "folio_compress": "whole", "compressor": compressor}
        yield case("runs", "text", dram="60%", node="6%", depth=depth, **whole)
    whole = {"folio": "64KiB", "folio_compress": "whole", "compressor": "deflate"}
    yield case("runs", dram="60%", node="6%", depth="bytes", reclaim="mglru", **whole)
    for backend in (
        "private-node",
        "zswap:max_pool_percent=10",
        "zram",
        "disk",
        "private-node/zswap",
        "zram:mem_limit=1MiB",
    ):
        yield case(
            "processes", dram="50%", depth="bytes", node="10%", folio="64KiB", reclaim="two-list", backend=backend
        )
        yield case(
            "spaced",
            dram="60%",
            depth="sizes",
            node="10%",
            folio="16KiB",
            swap="3MiB",
            reclaim="mglru",
            backend=backend,
        )


def readahead() -> Iterator[Case]:
    """Yield readahead by cluster and by VMA, with several windows, backends and reclaimers."""
    for kind, cluster, backend in product(("cluster", "vma"), (1, 3, 6), ("disk", "zswap:max_pool_percent=10")):
        fields = {"readahead": kind, "page_cluster": cluster, "backend": backend}
        yield case("runs", depth="sizes", reclaim="two-list", **fields)
    for kind, reclaim in product(("cluster", "vma"), RECLAIMERS):
        yield case("spaced", depth="sizes", node="8%", readahead=kind, reclaim=reclaim)
    for kind in ("cluster", "vma"):
        yield case("processes", depth="bytes", backend="zswap", readahead=kind, reclaim="mglru", groups=GROUPS[0])
        yield case("runs", depth="bytes", backend="private-node/zswap", node="8%", readahead=kind)
        yield case("loop", "", backend="disk", readahead=kind, page_cluster=5, reclaim="two-list")
        yield case("runs", depth="sizes", backend="disk", readahead=kind, exclusive_loads=False, zero_map=False)
        yield case("runs", dram="80%", depth="sizes", backend="zram", readahead=kind)
        yield case("runs", depth="sizes", readahead=kind, swap="none", node="60%", page_cluster=0)


def groups() -> Iterator[Case]:
    """Yield groups of processes, in zswap alone and in zswap as the slow tier."""
    for text, depth in product(GROUPS, REAL):
        yield case("processes", depth=depth, groups=text, backend="zswap:max_pool_percent=15")
    for text in GROUPS[1:]:
        yield case("processes", depth="sizes", groups=text, backend="private-node/zswap:max_pool_percent=15", node="8%")
        shrinking = "zswap:shrinker_enabled=1,shrinker_priority=4,max=700000"
        yield case("processes", depth="sizes", groups=text, backend=shrinking, reclaim="two-list")
    yield case("processes", "", groups=GROUPS[1], backend="zswap", assumed_length=900)
    yield case("json-processes", depth="sizes", dram="25%", groups=GROUPS[1], backend="zswap", reclaim="two-list")
    yield case("json-processes", depth="sizes", dram="25%", groups=GROUPS[0], backend="zram:charged=0")


def cram() -> Iterator[Case]:
    """Yield the forms, controls, budgets, clocks and loss rules of a device that compresses by itself."""
    for text, depth in product(CRAM, REAL):
        yield case("zipf", backend="cram", node="50%", depth=depth, cram=text, compressor="bdi")
    for form, control in product(
        ("form=swap", "form=tier,budget=30%"), ("control=counting", "control=tokens,tokens=2")
    ):
        text = f"{form},{control},ratio=2.2,delay=700,zero=900"
        yield case("uniform", backend="cram", node="80%", depth="sizes", cram=text, compressor="bdi", reclaim="sieve")
    for text in CRAM[::5]:
        yield case(
            "phases", "half", backend="cram", node="70%", depth="sizes", cram=text, compressor="fpc", reclaim="two-list"
        )
        yield case("phases", "", backend="cram", node="30%", cram=text, reclaim="mglru")
    yield case("uniform", backend="cram", node="50%", depth="sizes", compressor="wkdm", zero_map=False)
    yield case("uniform", backend="cram", node="50%", depth="sizes", swap="none", exclusive_loads=False)
    yield case(
        "uniform", backend="cram", node="50%", depth="sizes", swap="100KiB", cram="ratio=4", exclusive_loads=False
    )


def switches() -> Iterator[Case]:
    """Yield settings with one field that is not at its default, for each kind of backend."""
    each = ("private-node", "zswap:max_pool_percent=12", "zram:mem_limit=3MiB", "disk")
    changes: tuple[dict[str, Any], ...] = (
        {"exclusive_loads": False},
        {"exclusive_loads": False, "zero_map": False, "reclaim": "two-list"},
        {"zero_map": False},
        {"equal_memory": True},
        {"swap": "none"},
        {"swap": "5MiB"},
        {"swap": "70%"},
        {"seed": 77},
        {"chain_size": 4, "window": 777},
        {"chain_size": 16, "cost": "dram-hdd"},
        {"accept_threshold_percent": 50},
        {"dram": 1150 << 12, "node": "300KiB"},
        {"dram": "100%"},
    )
    for backend, change in product(each, changes):
        dram = "80%" if backend.startswith("zram") else "40%"
        yield case("zipf-read", **{"dram": dram, "depth": "sizes", "node": "8%", "backend": backend} | change)
    for backend in each:
        yield case("zipf-read", "", backend=backend, assumed_length=2500, exclusive_loads=False)
    for change in ({"exclusive_loads": False}, {"zero_map": False}, {"swap": "none"}, {"verify": False}):
        yield case("zipf-read", depth="bytes", node="8%", **change)
    for rule in ("none", "this-node", "fallback-lists", "private-zonelist"):
        yield case("zipf-read", depth="bytes", node="8%", isolation=rule)


def traces() -> Iterator[Case]:
    """Yield every generator and bundled recording; the whole of a recording at counts alone."""
    for trace, contents in product(("scan", "loop", "uniform"), ("mix", "zero")):
        yield case(trace, contents, depth="bytes", node="8%")
    for trace, backend in product(("json-head", "sort-head"), ("private-node", "zswap", "zram:charged=0", "disk")):
        yield case(trace, dram="20%", node="8%", depth="sizes", backend=backend, reclaim="two-list")
    for trace in ("json-head", "sort-head"):
        yield case(trace, dram="20%", node="8%", depth="bytes")
        yield case(trace, dram="20%", depth="sizes", backend="disk", readahead="vma", reclaim="two-list")
    for reclaim in RECLAIMERS:
        yield case("sort", "", dram="25%", reclaim=reclaim)
    for reclaim in ("lru", "two-list", "sieve"):
        yield case("json", "", dram="10%", reclaim=reclaim)


def codecs() -> Iterator[Case]:
    """Yield every codec that needs no library, and the others, which are compared only if their version is the same."""
    for compressor in ("lzo", "lzo-rle", "bdi", "fpc", "wkdm", "wkdm:grain=1024", "store", "lz4-linux:acceleration=5"):
        yield case("phases", depth="bytes", dram="30%", node="8%", compressor=compressor)
    for compressor, depth in product(("lz4", "lz4hc", "zstd", "zstd:level=1,source_log=18", "deflate"), REAL):
        yield case("phases", depth=depth, dram="30%", node="8%", compressor=compressor)


def all_cases() -> dict[str, Case]:
    """Return every case by its name."""
    parts = (backends, reclaimers, folios, readahead, groups, cram, switches, traces, codecs)
    return {each.name: each for part in parts for each in part()}
