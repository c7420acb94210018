"""Drive large folios against their reference over every backend, at bytes and sizes depth at once."""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.ahead_samples import PAGES as ACCESSED
from tests.depths_machine import CONTENTS, DepthsMachine, Engine, model_contents
from tests.page_samples import lz4_length
from tests.reach import assert_reached, run_machine, share_of_examples
from tests.reference import RECLAIMERS
from tests.reference.folios import Folios, FolioZram, FolioZswap, WholeFolios
from tests.reference.replay import Swap
from tests.reference.store import Store
from zswapsim import get_compressor
from zswapsim._core.backend.foliocodec import FolioCodec
from zswapsim.traces.folios import Folios as TraceFolios

PAGES = 64
MODEL_CONTENTS = model_contents(CONTENTS.with_zeros())
WHOLE = "private-node, whole"
CODECS = {4096 << order: FolioCodec(get_compressor("lz4"), order) for order in (2, 3)}
LENGTHS: dict[bytes, int] = {}
SPECS = {
    "private-node": Folios,
    WHOLE: WholeFolios,
    "disk": Folios,
    "zswap": FolioZswap,
    "zswap:max_pool_percent=50,shrinker_enabled=1,shrinker_priority=1": FolioZswap,
    "zswap:max_pool_percent=50,writeback=0": FolioZswap,
    "zswap:max_pool_percent=50,version=6.12": FolioZswap,  # which refuses a folio at its first incompressible page
    "zram": FolioZram,
    "zram:mem_limit=20480": FolioZram,
    "zram:disksize=81920": FolioZram,
}
ZSWAP = {"max_pool_percent": 20, "shrinker": False, "priority": 12, "writeback": True}
GROUPS = [(0, None, True), (1, 5, True)]  # of folios by number, after the workload's own
NAMES = {"shrinker_enabled": "shrinker", "shrinker_priority": "priority"}


def whole_length(data: bytes) -> int:
    """Return the compressed length of a folio with lz4."""
    if data not in LENGTHS:
        LENGTHS[data] = CODECS[len(data)].length(data)
    return LENGTHS[data]


class FolioMachine(DepthsMachine):
    @initialize(
        spec=st.sampled_from([*SPECS, WHOLE, WHOLE]),
        order=st.sampled_from([2, 2, 3]),
        frames=st.sampled_from([24, 32, 40, 12, 4]),
        batch=st.sampled_from([8, 32, 1]),
        node=st.sampled_from([9, 20, 2]),
        device=st.sampled_from([1 << 20, 60, 12, 1]),
        places=st.permutations(range(PAGES)),
        options=st.fixed_dictionaries(
            {
                "folio_swapin": st.sampled_from(["auto", "page", "whole"]),
                "zero_map": st.booleans(),
                "exclusive_loads": st.booleans(),
                "seed": st.integers(0, 100),
                "reclaim": st.sampled_from(["lru", "lru", *RECLAIMERS]),
            }
        ),
    )
    def open(
        self, spec: str, order: int, frames: int, batch: int, node: int, device: int, places: list, options: dict
    ) -> None:
        frames = max(frames, batch, 1 << order)
        self.places = places[:ACCESSED]
        folios = TraceFolios(order, np.array(self.places, np.uint32), PAGES)
        asked = {"dram": frames * 4096, "node": node * 4096, "swap": device * 4096, "reclaim_batch": batch}
        asked |= {"backend": spec, "folio": 4096 << order} | options
        if spec == WHOLE:
            asked |= {"backend": "private-node", "folio_compress": "whole", "folio_swapin": "auto"}
        group_of = None
        if spec.startswith("zswap"):
            asked |= {"groups": "a;a/b:max=20480"}
            group_of = np.array([(place >> order) % 3 for place in self.places], np.uint16)
        self.open_engines(asked, folios=folios, group_of=group_of)
        self.model = self.reference(spec, frames, node, device, options, size=1 << order, batch=batch)

    def reference(self, spec: str, frames: int, node: int, device: int, options: dict, **given: Any) -> Folios:
        name, _, values = spec.partition(":")
        swapin = options["folio_swapin"]
        whole = swapin == "whole" or (swapin == "auto" and name == "zram") or spec == WHOLE
        units = frames // given["size"] if whole else frames
        reclaim = options["reclaim"]
        given |= {
            "reclaimer": None if reclaim == "lru" else RECLAIMERS[reclaim](units, PAGES),
            "zero_map": options["zero_map"],
            "seed": options["seed"] % len(CONTENTS.images),
            "whole": whole,
        }
        exclusive = options["exclusive_loads"]
        if spec == WHOLE:
            swap = Swap(Store(node * 4096, lz4_length), device, exclusive=exclusive)
            return WholeFolios(frames, MODEL_CONTENTS, swap, whole_length=whole_length, **given)
        if name in ("private-node", "disk"):
            store = Store(node * 4096, lz4_length) if name != "disk" else None
            return Folios(frames, MODEL_CONTENTS, Swap(store, device, exclusive=exclusive), **given)
        read = {"version": lambda text: tuple(map(int, text.split(".")))}
        pairs = [each.split("=") for each in values.split(",") if each]
        asked = {key: read.get(key, int)(value) for key, value in pairs}
        if name == "zswap":
            given |= ZSWAP | {NAMES.get(key, key): value for key, value in asked.items()}
            given |= {"groups": GROUPS, "group_of": {page: page // given["size"] % 3 for page in range(PAGES)}}
        else:
            given |= {key: value // 4096 for key, value in asked.items()}
        return SPECS[spec](frames, MODEL_CONTENTS, lz4_length, device, exclusive=exclusive, **given)

    def number_of(self, page: int) -> int:
        return self.places[page]

    def expected_verified(self, found: dict[str, int]) -> int:
        return self.model.swapped_in_pages

    def agree_more(self, engine: Engine, found: dict[str, int]) -> None:
        assert engine.owners()["dram"]["workload"] == found["resident_pages"]
        if isinstance(self.model, FolioZswap):
            assert engine.backend.group_stats() == self.model.group_stats()


def test_large_folios_equal_their_reference() -> None:
    reach = run_machine(FolioMachine, stateful_step_count=10, max_examples=share_of_examples(2))
    assert_reached(reach, reclaimed_in_batches_of_8=50, reclaimed_in_batches_of_32=50)
