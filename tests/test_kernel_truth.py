"""The store against what Linux 6.18 reported for the same pages: equal in every field, not close.

`data/zram.json`: mm_stat of a fresh zram device after each recipe's pages were written in order (fill), after slots
were overwritten and discarded (churn), after the pool was compacted (compact).
"""

import json
from pathlib import Path

import pytest

from zswapsim import PageStore
from zswapsim.traces.recipes import recipe_pages

TRUTH = json.loads((Path(__file__).parent / "data" / "zram.json").read_text())
RECIPES = sorted(TRUTH["recipes"])
NODE = 64 << 20
CODECS = ["lz4-linux", "lzo", "lzo-rle"]
KERNEL_NAME = {"lz4-linux": "lz4"}  # where Linux calls the codec otherwise


def mm_stat(store: PageStore) -> dict[str, int]:
    """The fields of mm_stat that the store has counters for."""
    stats = store.stats()
    return {
        "orig_data_size": stats["stored_pages"] * 4096,
        "compr_data_size": stats["compr_data_size"],
        "mem_used_total": stats["pool_total_size"],
        "mem_used_max": stats["peak_pool_total_size"],
        "same_pages": stats["same_filled_pages"],
        "huge_pages": stats["stored_incompressible_pages"],
        "pages_compacted": stats["pages_compacted"],
    }


def agrees(store: PageStore, kernel: dict[str, int]) -> None:
    model = mm_stat(store)
    assert model == {field: kernel[field] for field in model}
    store.check()


def filled(recipe: str, codec: str) -> tuple[PageStore, int]:
    count = TRUTH["recipes"][recipe][KERNEL_NAME.get(codec, codec)]["pages"]
    store = PageStore(NODE, codec, chain_size=TRUTH["zsmalloc_chain_size"])
    store.store_pages(range(count), recipe_pages(recipe, count))
    return store, count


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_fill(recipe: str, codec: str) -> None:
    store, _ = filled(recipe, codec)
    agrees(store, TRUTH["recipes"][recipe][KERNEL_NAME.get(codec, codec)]["fill"])


@pytest.mark.parametrize("codec", CODECS)
def test_churn_and_compaction(codec: str) -> None:
    store, count = filled("mix", codec)
    kernel = TRUTH["recipes"]["mix"][KERNEL_NAME.get(codec, codec)]
    fresh = recipe_pages("mix", count, count)
    for k in range(count):
        slot = k * 2654435761 % count
        if k % 10 < 4:
            store.store(slot, fresh[k])
        elif k % 10 == 4:
            store.invalidate(slot)
    agrees(store, kernel["churn"])
    store.compact()
    agrees(store, kernel["compact"])
