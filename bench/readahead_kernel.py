"""Compare the running kernel's swap readahead with the model's, as root: ``python bench/readahead_kernel.py``.

Swap is a loop device over a file in the temporary folder. The traces below run on real anonymous memory, in a
memory-limited group with half of 16,384 pages. Prints, twice, the counts of /proc/vmstat, and those of the model. The
kernel reads ahead as it is set: /sys/kernel/mm/swap/vma_ra_enabled (by VMA, else by cluster) and vm.page-cluster.
Nothing else on the machine should swap; the script ends if swap is in use. Its output are rows of the table of
docs/reclaim.md.
"""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from zswapsim import Settings
from zswapsim.kernel import groups
from zswapsim.kernel.own import Device, Own
from zswapsim.kernel.replay import READ_EVERY, Accesses, accesses, page_tables, replaying
from zswapsim.study.run.readahead import by_address
from zswapsim.study.run.run import open_replay
from zswapsim.traces import Contents, DenseTrace, read_contents, read_trace

PAGES, FRAMES, RUNS = 16_384, 8_192, 2
SWAP_BYTES = 256 << 20
TRACES = (
    f"gen:loop,pages={PAGES},events=1e5,writes=0.2",
    f"gen:zipf,pages={PAGES},events=5e5,writes=0.2",
)
Events = tuple[np.ndarray, np.ndarray]
COUNTED = {"pgmajfault": "major_faults", "pswpin": "pswpin", "swap_ra": "swap_ra", "swap_ra_hit": "swap_ra_hit"}
RECLAIM = f"two-list:fault_access=1,stats_every={2 * READ_EVERY},stats_cpus={os.cpu_count()}"


def swaps() -> int:
    return len(Path("/proc/swaps").read_text().splitlines()) - 1


def vmstat() -> dict[str, int]:
    fields = dict(line.split() for line in Path("/proc/vmstat").read_text().splitlines())
    return {name: int(fields[name]) for name in COUNTED}


@contextmanager
def loop_swap(own: Own) -> Iterator[None]:
    """Swap to a loop device over an unlinked file; the device detaches itself when swap is switched off."""
    with tempfile.NamedTemporaryFile(prefix="zswapsim-swap-", dir="/var/tmp") as file:
        os.posix_fallocate(file.fileno(), 0, SWAP_BYTES)
        found = subprocess.run(["losetup", "-f", "--show", file.name], check=True, capture_output=True, text=True)
    device = Device(0, Path(found.stdout.strip()))
    try:
        own.swap_on(device, SWAP_BYTES)
    finally:
        subprocess.run(["losetup", "-d", device.file], check=True)
    yield
    own.swap_off(device)


def kernel(own: Own, trace: Accesses) -> list[int]:
    """Return the counters of one replay by the kernel."""
    with loop_swap(own):
        group = own.group()
        groups.set_limit(group, (FRAMES + page_tables(trace.footprint)) * 4096)
        with replaying(trace) as child:
            assert child.stdin
            assert child.stdout
            assert child.stdout.readline() == "ready\n"
            before = vmstat()
            child.stdin.write(f"{group}\n")
            child.stdin.flush()
            if not child.stdout.readline():
                raise SystemExit("the kernel killed the replaying process for want of memory")
            after = vmstat()
        if swaps() > 1:
            raise SystemExit("somebody else began to swap")
        own.remove_group(group)
    return [after[name] - before[name] for name in COUNTED]


def runs() -> Events:
    """Touch all pages once, then 1 to 40 consecutive ones from a random page on, over and over."""
    draw = np.random.default_rng(1)
    first, length = draw.integers(0, PAGES, 8000), draw.integers(1, 41, 8000)
    pages = np.concatenate([np.arange(page, page + count) for page, count in zip(first, length, strict=True)])
    pages = np.concatenate((np.arange(PAGES), pages % PAGES)).astype(np.uint32)
    return pages, (draw.random(len(pages)) < 0.2).astype(np.uint8)


def traces() -> Iterator[tuple[str, Events]]:
    for name in TRACES:
        pages, ops = zip(*DenseTrace(read_trace(name)).chunks(), strict=True)
        yield name.removeprefix("gen:").split(",")[0], (np.concatenate(pages), np.concatenate(ops))
    yield "runs", runs()


def model(trace: Events, contents: Contents, kind: str, page_cluster: int) -> list[int]:
    """Return the model's counters. The replaying process reads a word before it stores it, so faults are reads."""
    asked = Settings(
        dram=FRAMES * 4096, backend="disk", depth="sizes", reclaim=RECLAIM, readahead=kind, page_cluster=page_cluster
    )
    pages, ops = trace
    footprint = int(pages.max()) + 1
    engine = open_replay(asked, footprint, contents, None, order=by_address(np.arange(footprint, dtype=np.uint64)))
    reads_first = np.zeros(2 * len(ops), np.uint8)
    reads_first[1::2] = ops
    engine.feed(np.repeat(pages, 2), reads_first)
    counters = engine.counters_now()
    return [counters[name] for name in COUNTED.values()]


def main() -> None:
    if swaps():
        raise SystemExit("swap is in use: its readahead would be counted too")
    by_vma = Path("/sys/kernel/mm/swap/vma_ra_enabled").read_text().strip() == "true"
    page_cluster = int(Path("/proc/sys/vm/page-cluster").read_text())
    contents = read_contents("recipe:noise,pages=64")
    kind = "vma" if by_vma else "cluster"
    for name, trace in traces():
        rows = {"model": model(trace, contents, kind, page_cluster)}
        with accesses(iter([trace]), contents.images, int(trace[0].max()) + 1) as shared, Own(swap=True) as own:
            rows |= {f"kernel, run {run + 1}": kernel(own, shared) for run in range(RUNS)}
        for who, row in sorted(rows.items()):
            figures = " | ".join(f"{value:,}" for value in row)
            print(f"| {name} | {kind} | {who} | {figures} |", flush=True)


if __name__ == "__main__":
    main()
