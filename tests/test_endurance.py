"""Replay ten million faults at bytes depth, and more accesses than stamps. It takes minutes: `make endurance`."""

import numpy as np
import pytest

from zswapsim import Settings, run
from zswapsim._core.backend.counting import CountingBackend
from zswapsim._core.engine.replay import Replay
from zswapsim.study.settings.cost import PRESETS

FAULTS = 10_000_000


@pytest.mark.endurance
@pytest.mark.parametrize("exclusive", [True, False])
def test_ten_million_faults_bring_back_what_was_stored(exclusive: bool) -> None:
    settings = Settings(dram="50%", node="15%", exclusive_loads=exclusive)
    result = run("gen:uniform,pages=20000,events=2.1e7,writes=0.3", "recipe:mix", settings)
    assert result.outcome == "completed"
    assert result.verified_pages == result.counters["major_faults"] >= FAULTS
    assert result.counters["zswpwb"] > 0


@pytest.mark.endurance
def test_stamps_begin_anew_after_four_billion() -> None:
    """Repeat the same accesses: after the first pass, each pass has the same faults."""
    draw = np.random.default_rng(1)
    pages = np.minimum(draw.zipf(1.2, 1 << 20), 20_000).astype(np.uint32) - 1
    ops = np.zeros(len(pages), np.uint8)
    engine = Replay(20_000, 3_000, CountingBackend(PRESETS["cxl-nvme"]))
    engine.feed(pages, ops)
    faults = [engine.counters_now()["major_faults"]]
    for _ in range(3600):
        engine.feed(pages, ops)
        faults.append(engine.counters_now()["major_faults"])
    engine.check()
    assert len(set(np.diff(faults))) == 1
