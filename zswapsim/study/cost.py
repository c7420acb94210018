"""What the modelled machine spends on things that this machine can't measure."""

from typing import NamedTuple


class CostModel(NamedTuple):
    """Constants in nanoseconds, and bandwidth in bytes a nanosecond (that is GB/s). Codec times are not here.

    A transfer of n bytes costs a latency plus n over the bandwidth: prefetchers hide every line after the first.
    """

    minor_fault_ns: float
    """Entry, allocation and clearing of one page, mapping, return."""
    major_fault_ns: float
    """The same with the swap-in path, without bringing the page."""
    node_latency_ns: float
    """First cache line from the node."""
    node_bandwidth: float
    """Following lines, bytes a nanosecond."""
    device_read_ns: float
    """One 4 KiB random read at queue depth 1."""
    device_write_ns: float
    """One 4 KiB random write at queue depth 1."""


# Faults: `bench/fault_cost.py` measured 1350 ns for a minor one, clearing included, on Linux 6.18 in a virtual machine
# on a Xeon of 2023. The swap-in path looks up a slot where that one clears a page; it is taken to cost the same, and
# nothing here measures it. Local DRAM under 100 ns and CXL 100 to 300 ns a line: rule of thumb by the author of the
# private-node series, linux-mm, 2026. 25 GB/s: CXL 2.0 on eight PCIe 5.0 lanes, 32 GB/s raw less protocol; 20 GB/s:
# one core streaming from local DRAM.
# NVMe: 85 us random read and 20 us random write, Intel SSD DC P4500 of 2 TB (Lenovo's product guide of it). SATA:
# 110 us and 52 us, typical random latency in Intel's product specification of the SSD DC S4500.
_FAULTS = (1350.0, 1350.0)
_CXL = (250.0, 25.0)
_DRAM = (90.0, 20.0)
_NVME = (85_000.0, 20_000.0)
_SATA = (110_000.0, 52_000.0)

PRESETS = {
    "cxl-nvme": CostModel(*_FAULTS, *_CXL, *_NVME),
    "cxl-sata": CostModel(*_FAULTS, *_CXL, *_SATA),
    "dram-nvme": CostModel(*_FAULTS, *_DRAM, *_NVME),
    "dram-sata": CostModel(*_FAULTS, *_DRAM, *_SATA),
}
"""Presets: where the node's memory is, and what the device behind it is."""
