"""What a run found: plain data, from which tables, plots and files are made."""

from typing import Any

import msgspec

COMPLETED = "completed"
OUT_OF_MEMORY = "out of memory"
PAGES_LOST = "pages lost"
BUS_ERROR = "bus error"
INTERRUPTED = "interrupted"


class Result(msgspec.Struct, kw_only=True):
    """The outcome of one run."""

    settings: dict[str, Any]
    """The settings, with `trace`, `contents`, and the frames that sizes came to: `dram_frames`, `node_frames`."""
    outcome: str
    """``completed``, ``out of memory`` or ``interrupted``; the counters are those so far.

    With a compressing device also ``pages lost`` (to its end, but the device lost pages on the way), and ``bus error``
    (it ended when a lost page was read).
    """
    counters: dict[str, int]
    """Exact: the same trace, contents and settings give the same on every machine. Sizes are in bytes."""
    times_ns: dict[str, int]
    """Wall time of this very run: `read`, `measure`, `replay`, `feed` (in the core), `compress`, `decompress`, `total`;
    and `feed_processor`, processor time within `feed`: less where the machine had other work to do."""
    modelled_ns: dict[str, float]
    """What the modelled machine would have spent: `fault`, `compress`, `decompress`, `node`, `device`, `total`."""
    fault_latency_ns: dict[str, float]
    """Modelled latency of major faults: `mean`, `p50`, `p90`, `p99`, `p99.9`, `max`."""
    timeline: list[dict[str, int]]
    """One row a window: `accesses` up to its end, and the counters that moved, as totals up to there."""
    owners: dict[str, dict[str, int]]
    """Frames by owner, for each node of frames: `{"private": {"swap backend": 812, "free": 212}}`."""
    verified_pages: int = 0
    """Pages that were compared with what was stored when they came back, all of them the same; 0 but at bytes depth."""
    host_frames: dict[str, int] = {}
    """With `bind_node`: frames of the private node that were used, by the host's NUMA node on which they lie."""

    groups: dict[str, dict[str, int]] = {}
    """With `groups`: of each, and of ``workload``, which holds all, its `pages` and what its memory.stat has, those
    below it included: `zswap` in bytes, `zswapped`, `zswpin`, `zswpout`, `zswpwb`, `pswpin`, `pswpout` in pages."""

    def to_json(self) -> bytes:
        """One JSON object, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @classmethod
    def from_json(cls, text: bytes | str) -> "Result":
        """The Result that :meth:`to_json` wrote. Raises ``msgspec.DecodeError``."""
        return msgspec.json.decode(text, type=cls)


def completed(result: Result) -> Result:
    """`result` as it is. Raises KeyboardInterrupt where the run was interrupted, for those who make many of them."""
    if result.outcome == INTERRUPTED:
        raise KeyboardInterrupt
    return result
