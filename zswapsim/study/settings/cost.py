"""Model the time that a machine spends on what cannot be measured here: faults, the node and the swap device."""

from typing import NamedTuple


class CostModel(NamedTuple):
    """Hold constants in nanoseconds, and a bandwidth in bytes a nanosecond, which is GB/s. Codec times are measured.

    A transfer of n bytes costs a latency plus n over the bandwidth: prefetchers hide every line after the first.
    """

    minor_fault_ns: float
    """Entry, allocation and clearing of one page, mapping, return."""
    major_fault_ns: float
    """The same with the swap-in path, without the load of the page."""
    node_latency_ns: float
    """The first cache line from the node."""
    node_bandwidth: float
    """The lines after it, in bytes a nanosecond."""
    device_read_ns: float
    """One 4 KiB random read at queue depth 1."""
    device_write_ns: float
    """One 4 KiB random write at queue depth 1."""


# Faults: `bench/fault_cost.py` measured 1350 ns for a minor fault, clearing included, on Linux 6.18 in a virtual
# machine on a Xeon of 2023. The swap-in path looks up a slot instead of clearing a page. We assume that it costs the
# same; nothing here measures it. Local DRAM takes under 100 ns a line and CXL 100 to 300 ns: a rule of thumb by the
# author of the private-node series, linux-mm, 2026. 25 GB/s is CXL 2.0 on eight PCIe 5.0 lanes, 32 GB/s raw less
# protocol; 20 GB/s is one core that streams from local DRAM.
# NVMe: 85 us random read and 20 us random write, Intel SSD DC P4500 of 2 TB (Lenovo's product guide for it). SATA:
# 110 us and 52 us, typical random latency in Intel's product specification of the SSD DC S4500.
_FAULTS = (1350.0, 1350.0)
_CXL = (250.0, 25.0)
_DRAM = (90.0, 20.0)
DRAM_LATENCY_NS = _DRAM[0]
# eMMC: the reciprocals of 11,000 random reads and 13,000 random writes a second, which Samsung states for its first
# eMMC 5.1 of 64 GB (February 2015); a read takes longer if the queue is not full. HDD: an average seek of 8.2 ms for
# reads and writes, and half a turn at 7200 rpm, 4.17 ms: HGST's specification of the Ultrastar 7K4000.
_NVME = (85_000.0, 20_000.0)
_SATA = (110_000.0, 52_000.0)
_EMMC = (91_000.0, 77_000.0)
_HDD = (12_370_000.0, 12_370_000.0)

NODES = {"cxl": _CXL, "dram": _DRAM}
DEVICES = {"nvme": _NVME, "sata": _SATA, "emmc": _EMMC, "hdd": _HDD}
PRESETS = {
    f"{node}-{device}": CostModel(*_FAULTS, *NODES[node], *DEVICES[device]) for node in NODES for device in DEVICES
}
"""A preset names where the node's memory is, and the kind of the swap device."""


def in_dram(cost: CostModel) -> CostModel:
    """Return the costs on the same machine of a pool that lies in its DRAM."""
    return cost._replace(node_latency_ns=_DRAM[0], node_bandwidth=_DRAM[1])
