"""The machine of a run: DRAM for the workload, a private node for the swap backend, and who was granted what."""

from typing import NamedTuple

from zswapsim._core.base.errors import InputError
from zswapsim._core.frames.arena import Grant
from zswapsim._core.frames.hostnuma import host_nodes
from zswapsim.machine import SWAP_BACKEND, Machine, NodeSpec
from zswapsim.study.backendspec import IN_DRAM, backend_name, charged_elsewhere, shares_dram
from zswapsim.study.settings import NO_HOST_NODE, Settings
from zswapsim.study.sizes import PAGE_SIZE

WORKLOAD = "workload"
DRAM, PRIVATE, ELSEWHERE = "DRAM", "private", "dram of others"


class Nodes(NamedTuple):
    """A machine, and the frames that the two who use it in a run may take."""

    machine: Machine
    workload: Grant
    swap_backend: Grant
    behind: Grant | None = None
    """Of the slow one of two tiers."""


def open_nodes(settings: Settings, dram_frames: int, node_frames: int, spare_frames: int = 0) -> Nodes:
    """A machine with nodes of these sizes; their frames are real memory at bytes depth.

    A pool in DRAM has no node: it is granted frames of the workload's, of which there are `spare_frames` more. One that
    is not charged to the workload has `node_frames` of DRAM to itself.

    The swap backend gets what the isolation rule makes it ask for, once; on the hot path it then takes frames without
    asking again. Watermarks are 0: a run is given its frames to the last one. Raises InputError, HostMemoryError.
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


def check_binding(settings: Settings) -> None:
    """Whether the private node can lie on the host's node that is asked for. Raises InputError."""
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
