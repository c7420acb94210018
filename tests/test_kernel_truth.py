"""Compare the store with the counts that Linux 6.18 reported for the same pages: every field is equal, not close.

`data/zram.json` has mm_stat of a fresh zram device after each recipe's pages were written in order (fill), after slots
were overwritten and discarded (churn), and after the pool was compacted (compact).
"""

import json
from pathlib import Path

import pytest

from zswapsim import PageStore
from zswapsim.kernel.zram import MM_STAT
from zswapsim.study.validate.page_store import MODELLED, model_mm_stat
from zswapsim.traces.recipes import recipe_pages

TRUTH = json.loads((Path(__file__).parent / "data" / "zram.json").read_text())
RECIPES = sorted(TRUTH["recipes"])
NODE = 64 << 20
CODECS = sorted({codec for recipe in TRUTH["recipes"].values() for codec in recipe})
"""Return the statistics by the kernel's names; a name that the model lacks is an error."""
PHASES = {"mix": ["pages", "fill", "churn", "compact"]}  # the other recipes have the first phase alone


def agrees(store: PageStore, kernel: dict[str, int]) -> None:
    assert list(kernel) == list(MM_STAT), "all nine fields"
    assert model_mm_stat(store) == kernel
    store.check()


def filled(recipe: str, codec: str) -> tuple[PageStore, int]:
    count = TRUTH["recipes"][recipe][codec]["pages"]
    store = PageStore(NODE, MODELLED[codec], chain_size=TRUTH["zsmalloc_chain_size"])
    store.store_pages(range(count), recipe_pages(recipe, count))
    return store, count


def test_everything_that_was_recorded_is_compared() -> None:
    for recipe, codecs in TRUTH["recipes"].items():
        assert sorted(codecs) == CODECS
        for recorded in codecs.values():
            assert list(recorded) == PHASES.get(recipe, ["pages", "fill"])


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_fill(recipe: str, codec: str) -> None:
    store, _ = filled(recipe, codec)
    agrees(store, TRUTH["recipes"][recipe][codec]["fill"])


@pytest.mark.parametrize("codec", CODECS)
def test_churn_and_compaction(codec: str) -> None:
    store, count = filled("mix", codec)
    kernel = TRUTH["recipes"]["mix"][codec]
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
