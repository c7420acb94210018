"""Ten million faults at bytes depth, each page compared with what was stored. Minutes long: `make endurance`."""

import pytest

from zswapsim import Settings, run

FAULTS = 10_000_000


@pytest.mark.endurance
@pytest.mark.parametrize("exclusive", [True, False])
def test_ten_million_faults_bring_back_what_was_stored(exclusive: bool) -> None:
    settings = Settings(dram="50%", node="15%", exclusive_loads=exclusive)
    result = run("gen:uniform,pages=20000,events=2.1e7,writes=0.3", "recipe:mix", settings)
    assert result.outcome == "completed"
    assert result.verified_pages == result.counters["major_faults"] >= FAULTS
    assert result.counters["zswpwb"] > 0
