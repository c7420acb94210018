"""Build the machine of a run: DRAM for the workload, a private node for the swap backend, and a grant for each."""

import math
from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim._core.base.page import PAGE_SIZE
from zswapsim._core.frames.arena import Grant
from zswapsim._core.frames.hostnuma import host_nodes
from zswapsim.machine import SWAP_BACKEND, Machine, NodeSpec
from zswapsim.study.settings import MOST_FRAMES, NO_HOST_NODE, Settings
from zswapsim.study.settings.backends import IN_DRAM, backend_name, charged_elsewhere, shares_dram

WORKLOAD = "workload"
DRAM, PRIVATE, ELSEWHERE = "DRAM", "private", "dram of others"


class Nodes(NamedTuple):
    """Hold a machine, and the grants of the workload and the swap backend on it."""

    machine: Machine
    workload: Grant
    swap_backend: Grant
    slow_tier: Grant | None = None
    """The grant of the slow one of two tiers."""


def open_own_nodes(settings: Settings, pages: int, dram_frames: int, node_frames: int) -> Nodes:
    """Return the machine of one run of `pages` pages.

    It has no more DRAM than the pages need. A pool in DRAM that is not charged to the workload is unlimited: it gets as
    many frames as it would take with each object in a zspage of its own.
    """
    if charged_elsewhere(settings.backend):
        node_frames = min(pages * settings.chain_size, MOST_FRAMES - 1)
    return open_nodes(settings, min(dram_frames, pages), node_frames, spare_frames(dram_frames))


def open_nodes(settings: Settings, dram_frames: int, node_frames: int, spare_frames: int = 0) -> Nodes:
    """Return a machine with nodes of these sizes; their frames are real memory at bytes depth.

    A pool in DRAM has no node. It is granted frames of the workload's DRAM, which then has `spare_frames` more. A pool
    that is not charged to the workload has `node_frames` of DRAM to itself.

    The swap backend gets one grant, for which the isolation rule decides how it has to ask; on the hot path it then
    takes frames without asking again. Watermarks are 0: a run may use its last frame. Raises InputError,
    HostMemoryError.
    """
    real = settings.depth == "bytes"
    check_binding(settings)
    shared, private = shares_dram(settings.backend), backend_name(settings.backend) not in IN_DRAM
    elsewhere = charged_elsewhere(settings.backend)
    specs = [NodeSpec(DRAM, (dram_frames + spare_frames * shared) * PAGE_SIZE, min_frames=0, backed=real)]
    if private:
        specs.append(NodeSpec(PRIVATE, node_frames * PAGE_SIZE, private=True, cpus=False, min_frames=0, backed=real))
    if elsewhere:
        specs.append(NodeSpec(ELSEWHERE, node_frames * PAGE_SIZE, min_frames=0, backed=real))
    machine = Machine(specs, settings.isolation)
    if settings.bind_node != NO_HOST_NODE:
        machine.nodes[PRIVATE].arena.bind(settings.bind_node)
    dram = machine.nodes[DRAM]
    pool = PRIVATE if private else ELSEWHERE if elsewhere else DRAM
    return Nodes(
        machine,
        machine.grant(dram, WORKLOAD),
        machine.grant(machine.nodes[pool], SWAP_BACKEND),
        machine.grant(dram, SWAP_BACKEND) if shared else None,
    )


def spare_frames(dram_frames: int) -> int:
    """Return the frames that only reclaim may take: min_free_kbytes, as calculate_min_free_kbytes() has it."""
    kilobytes = min(max(math.isqrt(dram_frames * 4 * 16), 128), 262144)
    return kilobytes // 4


def host_frames(settings: Settings, nodes: Nodes) -> dict[str, int]:
    """Count the private node's frames by the host's node on which they lie; return nothing without `bind_node`."""
    if settings.bind_node == NO_HOST_NODE:
        return {}
    return {str(node): frames for node, frames in nodes.machine.nodes[PRIVATE].arena.host_nodes().items()}


def check_binding(settings: Settings) -> None:
    """Raise InputError if the private node cannot lie on the host's node that `bind_node` names."""
    if settings.bind_node == NO_HOST_NODE:
        return
    found = host_nodes()
    if len(found) < 2:
        raise InputError(f"--bind-node {settings.bind_node}: this machine has one NUMA node: expected one with several")
    if settings.bind_node not in found:
        listed = ", ".join(map(str, found))
        raise InputError(f"--bind-node {settings.bind_node}: expected a node of this machine that has memory: {listed}")
    if settings.depth != "bytes" or backend_name(settings.backend) != "private-node":
        raise InputError(f"--bind-node {settings.bind_node}: expected --depth bytes and a backend with a node")
