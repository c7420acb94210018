"""Print the part of a plan whose faults are unknown: the memory it would save, and the faults that may cost it."""

from zswapsim._core.base.page import PAGE_SIZE
from zswapsim.report.table import Column, render
from zswapsim.report.units import SIZES, TIMES, in_one_unit, three_digits
from zswapsim.study.plan.make_plan import Plan

TITLE = "faults not known: memory that would be saved, and the major faults a second that slow the workload by 1 %"


def unseen_text(plan: Plan, width: int | None = None, colour: bool = False) -> str:
    """Return the table of sizes and compressors."""
    rows = plan.unseen
    dram_unit, drams = in_one_unit([row.dram_frames * PAGE_SIZE for row in rows], SIZES)
    node_unit, nodes = in_one_unit([row.node_frames * PAGE_SIZE for row in rows], SIZES)
    stall_unit, stalls = in_one_unit([row.fault_stall_ns for row in rows], TIMES)
    keys = [Column("compressor", [row.compressor for row in rows], left=True), Column(f"DRAM {dram_unit}", drams)]
    columns = [
        Column(f"node {node_unit}", nodes),
        Column("saved %", [three_digits(row.saved) for row in rows]),
        Column(f"a fault {stall_unit}", stalls),
        Column("a second for 1 %", [three_digits(row.faults_per_percent) for row in rows]),
    ]
    return f"{TITLE}\n{render(keys, columns, width, colour)}"
