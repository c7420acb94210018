"""Check the one declaration of the counters: structure, names, documentation."""

import subprocess
import sys

from tree import TREE

from zswapsim import Settings, run
from zswapsim._core.base.counters import describe


def test_every_counter_of_a_run_is_described_once() -> None:
    sets = describe()
    names = [name for rows in sets.values() for name, _, _ in rows]
    own = [name for kind, rows in sets.items() if kind != "group" for name, _, _ in rows]
    assert len(own) == len(set(own))
    assert set(names) == set(own)
    counters = run("gen:zipf,pages=200,events=2000", "recipe:mix", Settings(folio="16KiB", backend="disk")).counters
    assert set(counters) == {
        name for kind in ("replay", "reclaim", "readahead", "folio", "swap", "usage") for name, _, _ in sets[kind]
    } | {"resident_pages"}


def test_a_compressing_device_s_counters_are_described() -> None:
    sets = describe()
    counters = run("gen:zipf,pages=200,events=2000", "recipe:mix", Settings(backend="cram")).counters
    assert {name for kind in ("cram", "cram_usage") for name, _, _ in sets[kind]} <= set(counters)


def test_each_row_says_when_it_rises() -> None:
    for rows in describe().values():
        assert all(rises and not rises.endswith(".") for _, _, rises in rows)


def test_the_page_has_every_counter_as_it_is_declared() -> None:
    done = subprocess.run([sys.executable, "docs/generate.py", "--check"], cwd=TREE, check=False)
    assert done.returncode == 0, "docs/counters.md: run python docs/generate.py"
