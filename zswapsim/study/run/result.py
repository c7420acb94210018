"""Hold the result of a run: plain data, from which tables, plots and files are made."""

from typing import Any

import msgspec

from zswapsim.json_text import json_document
from zswapsim.traces.jsontext import decode_json

COMPLETED = "completed"
OUT_OF_MEMORY = "out of memory"
PAGES_LOST = "pages lost"
BUS_ERROR = "bus error"
INTERRUPTED = "interrupted"


class Result(msgspec.Struct, kw_only=True):
    """Hold the settings, the outcome, the counters and the times of one run."""

    settings: dict[str, Any]
    """The settings, with `trace`, `contents`, and the frames that sizes came to: `dram_frames`, `node_frames`."""
    outcome: str
    """``completed``, ``out of memory`` or ``interrupted``; the counters are those up to that point.

    With a compressing device also ``pages lost`` (the run completed, but the device lost pages) and ``bus error`` (the
    run ended when a lost page was read).
    """
    counters: dict[str, int]
    """Exact: the same trace, contents and settings give the same on every machine. Sizes are in bytes."""
    times_ns: dict[str, int]
    """Wall time of this run: `read`, `measure`, `replay`, `feed` (in the core), `compress`, `decompress`, `total`;
    and `feed_processor`, the processor time within `feed`: it is less if the machine had other work to do."""
    modelled_ns: dict[str, float]
    """The time that the modelled machine would spend: `fault`, `compress`, `decompress`, `node`, `device`, `total`."""
    fault_latency_ns: dict[str, float]
    """Modelled latency of major faults: `mean`, `p50`, `p90`, `p99`, `p99.9`, `max`."""
    timeline: list[dict[str, int]]
    """One row a window: the `accesses` up to its end, and the totals up to there of the counters that change most."""
    owners: dict[str, dict[str, int]]
    """Frames by owner, for each node of frames: `{"private": {"swap backend": 812, "free": 212}}`."""
    verified_pages: int = 0
    """Pages that were compared after a load with what was stored, and were equal; 0 except at bytes depth."""
    host_frames: dict[str, int] = {}
    """With `bind_node`: the used frames of the private node, by the host's NUMA node on which they lie."""

    groups: dict[str, dict[str, int]] = {}
    """With `groups`: the `pages` and the memory.stat of each group, and of ``workload``, which holds all. A group
    includes those below it. `zswap` is in bytes; `zswapped`, `zswpin`, `zswpout`, `zswpwb`, `pswpin` and `pswpout` are
    in pages."""

    def to_json(self) -> bytes:
        """Return one JSON object, indented."""
        return json_document(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> "Result":
        """Return the Result that :meth:`to_json` wrote. Raises InputError."""
        return decode_json(text, cls, "expected a result in JSON")


def completed(result: Result) -> Result:
    """Return `result`, or raise KeyboardInterrupt if the run was interrupted; callers that make many runs need that."""
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
    return result
