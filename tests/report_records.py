"""Make the plain records from which reports are printed, by hand: no engine is needed to test a sentence."""

import re

import msgspec

from zswapsim.study.plan.access_rate import ASKED, AccessRate
from zswapsim.study.plan.make_plan import Plan
from zswapsim.study.plan.plan_point import PlanPoint
from zswapsim.study.plan.trial_runs import Trial
from zswapsim.study.run.result import Result
from zswapsim.study.settings import Settings

COUNTERS = {
    "accesses": 1_000_000,
    "pages": 16_384,
    "minor_faults": 16_384,
    "major_faults": 123_456,
    "zswpin": 120_000,
    "zswpout": 130_000,
    "zswpwb": 3_000,
    "pswpin": 3_000,
    "pswpout": 3_000,
    "swpin_zero": 456,
    "swpout_zero": 500,
    "stored_pages": 8_192,
    "same_filled_pages": 12,
    "stored_incompressible_pages": 0,
    "compr_data_size": 10_000_000,
    "pool_total_size": 2_600 * 4096,
    "peak_pool_total_size": 3_000 * 4096,
    "written_back_pages": 3_000,
    "pool_limit_hit": 0,
    "reject_compress_fail": 0,
}


def a_result(compressor="lz4", outcome="completed", settings=None, modelled=None, **counters) -> Result:
    asked = Settings(compressor=compressor, **(settings or {}))
    return Result(
        settings={
            **{name: getattr(asked, name) for name in asked.__struct_fields__},
            "trace": "gen:zipf",
            "contents": "recipe:mix",
            "dram_frames": 8_192,
            "node_frames": 4_096,
        },
        outcome=outcome,
        counters={**COUNTERS, **counters},
        times_ns={"read": 10, "measure": 0, "replay": 2e6, "compress": 30, "decompress": 40, "total": 3_000_000_000},
        modelled_ns={"fault": 1e6, "compress": 2e6, "decompress": 3e6, "node": 1e3, "device": 5e6, "total": 1.1e7}
        | (modelled or {}),
        fault_latency_ns={"mean": 7_310.0, "p50": 5e3, "p90": 8e3, "p99": 2e4, "p99.9": 8e4, "max": 1e5},
        timeline=[],
        owners={"private": {"swap backend": 2_600, "free": 1_496}},
    )


def column_of(text: str, title: str) -> list[str]:
    """Return the cells under a title, by the position of the rule below it."""
    lines = text.splitlines()
    head = next(number for number, line in enumerate(lines) if re.search(rf"(^|\s\s){re.escape(title)}(\s\s|$)", line))
    start = lines[head].index(title)
    spans = [match.span() for match in re.finditer("-+", lines[head + 1])]
    left, right = next(span for span in spans if span[0] <= start < span[1])
    rows = []
    for line in lines[head + 2 :]:
        if not line.strip():
            break
        rows.append(line[left:right].strip())
    return rows


POINT = PlanPoint(
    compressor="lz4",
    dram_frames=600,
    node_frames=200,
    expansion=1.25,
    saved=20.0,
    money=None,
    money_saved=None,
    major_faults=3_000,
    faults_per_million=5.0,
    faults_per_second=50.0,
    promotion=0.4,
    swap_outs=4_000,
    compress_cpu=1.0,
    decompress_cpu=0.5,
    fault_mean_ns=9_000.0,
    fault_p99_ns=20_000.0,
    slowdown=2.0,
)


def a_point(compressor: str = "lz4", **figures: object) -> PlanPoint:
    """Return a point of a plan for 1,000 pages."""
    return msgspec.structs.replace(POINT, compressor=compressor, **figures)


def a_trial(estimate: PlanPoint = POINT, run: PlanPoint | None = POINT, **others: object) -> Trial:
    """Return a point as it was estimated and run; by default its run was equal to the estimate."""
    values = {"verified_pages": 0, "processor_share": 1.0, "busiest": None}
    return Trial(estimate=estimate, run=run, **values | others)


def a_plan(*objectives: str, trial: Trial | None = None, **others: object) -> Plan:
    """Return a plan for 1,000 pages that recommends `trial`, the only one that was run."""
    trial = trial or a_trial()
    pace = AccessRate(access_ns=100.0, base_ns=60e9, source=ASKED, working_set=500.0)
    values = {
        "trace": "t", "contents": "c", "source": "one pass", "limits": [], "cost": "cxl-nvme", "reclaim": "lru",
        "pages": 1_000, "accesses": 600_000_000, "pace": pace, "prices": None, "depth": "bytes", "without_bytes": "",
        "kept": True, "tries": [trial], "least": 50, "rows": [1_000, 600], "knees": {}, "front": [], "rivals": [],
        "points": [a_point(dram_frames=1_000, node_frames=0, saved=0.0, slowdown=0.0), a_point()], "alone": {},
        "looser": None, "turn": None,
    }  # fmt: skip
    return Plan(objectives=list(objectives or ["slowdown<5%"]), recommended=trial, **values | others)
