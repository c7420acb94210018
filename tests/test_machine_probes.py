"""Test what each probe of the audit answers: on a machine whose memory is all ordinary, and under v4 and v5."""

import errno

import pytest

from tests.machine_samples import A, B, C, nodes
from zswapsim.machine import Mode
from zswapsim.machine.audit.matrix import _boot, _try_probe
from zswapsim.machine.audit.surfaces import PROBES

NOENT, FAULT = -errno.ENOENT, -errno.EFAULT
ON_A, ON_C, GONE = [0] * 4, [2] * 4, [NOENT] * 4
EINVAL, ENODEV, ENOENT = errno.EINVAL, errno.ENODEV, errno.ENOENT


def meminfo(node: int, anonymous: int) -> str:
    """Return meminfo of a node of 16 MiB with so many anonymous pages and nothing else, in kB."""
    used = 4 * anonymous
    fields = {"MemTotal": 16384, "MemFree": 16384 - used, "MemUsed": used, "FilePages": 0, "AnonPages": used}
    return "".join(f"Node {node} {name + ':':15} {value:8} kB\n" for name, value in fields.items())


ANSWERS = {
    # probe: its family; the answer, or an errno, under none, v4 and v5
    "anonymous fault": ("anonymous fault", ON_A, ON_A, ON_A),
    "anonymous fault, DRAM full": ("anonymous fault", ON_C, ON_A, ON_A),
    "file read": ("file read", ON_A, ON_A, ON_A),
    "munmap": ("munmap", *[[FAULT] * 4] * 3),
    "madvise, cold": ("madvise", ON_A, ON_A, ON_A),
    "madvise, pageout and back": ("madvise", *[(GONE, ON_A)] * 3),
    "madvise, dontneed and populate": ("madvise", ON_A, ON_A, ON_A),
    "mbind, bind {C}": ("mbind", ON_C, EINVAL, EINVAL),
    "mbind, bind {A,C}": ("mbind", ON_A, EINVAL, EINVAL),
    "mbind, prefer {C}": ("mbind", ON_C, EINVAL, EINVAL),
    "mbind, prefer many {A,C}": ("mbind", ON_A, EINVAL, EINVAL),
    "mbind, interleave {A,C}": ("mbind", [2, 0, 2, 0], EINVAL, EINVAL),
    "mbind, weighted interleave {A,C}": ("mbind", [2, 0, 2, 0], EINVAL, EINVAL),
    "mbind, bind {C}, move": ("mbind", ON_C, EINVAL, EINVAL),
    "mbind, bind {C} static, C opted in": ("mbind", ON_C, ON_C, ON_C),
    "set_mempolicy, bind {C}": ("set_mempolicy", ON_C, EINVAL, EINVAL),
    "set_mempolicy, bind {C}, C opted in": ("set_mempolicy", ON_C, ON_C, ON_C),
    "set_mempolicy_home_node, C": ("set_mempolicy_home_node", ON_A, EINVAL, EINVAL),
    "get_mempolicy, allowed nodes": (
        "cpuset.mems",
        (0, nodes(0, 1, 2, 3)),
        (0, nodes(0, 1, 2, 3)),
        (0, nodes(0, 1)),
    ),
    "get_mempolicy, node of a page": ("get_mempolicy", *[(A, nodes())] * 3),
    "move_pages, to C": ("move_pages", [2], ENODEV, ENODEV),
    "move_pages, where are they": ("move_pages", ON_A, ON_A, ON_A),
    "migrate_pages, A to C": ("migrate_pages", (0, ON_C), ENODEV, ENODEV),
    "migrate_pages, C to A": ("migrate_pages", 0, ENOENT, ENOENT),
    "cpuset.mems, {C}": ("cpuset.mems", ("2\n", ON_C), EINVAL, EINVAL),
    "cpuset.mems, {A,C}": ("cpuset.mems", *[("0,2\n", ON_A)] * 3),
    "cpuset.mems, rebind a policy": ("cpuset.mems", *[(Mode.BIND, nodes(B))] * 3),
    "cpuset.mems.effective": ("cpuset.mems", "0-3\n", "0-3\n", "0-1\n"),
    "sysfs, possible": ("sysfs", "0-3\n", "0-3\n", "0-3\n"),
    "sysfs, online": ("sysfs", "0-3\n", "0-3\n", "0-3\n"),
    "sysfs, has_normal_memory": ("sysfs", "0-3\n", "0-1\n", "0-1\n"),
    "sysfs, has_memory": ("sysfs", "0-3\n", "0-1\n", "0-1\n"),
    "sysfs, has_cpu": ("sysfs", "0-1\n", "0-1\n", "0-1\n"),
    "sysfs, has_private_memory": ("sysfs", ENOENT, "2-3\n", "2-3\n"),
    "sysfs, has_memory, C opted in": ("sysfs", "0-3\n", "0-2\n", "0-1\n"),
    "sysfs, distances from A": ("sysfs", *["10 20 30 40\n"] * 3),
    "sysfs, meminfo of A": ("sysfs", *[meminfo(A, 4)] * 3),
    "sysfs, meminfo of C": ("sysfs", *[meminfo(C, 0)] * 3),
    "numa_maps": ("numa_maps", *["7f0000000000 default anon=4 N0=4 kernelpagesize_kB=4\n"] * 3),
    "numa_maps, a page on C": ("numa_maps", True, False, True),
    "a driver's /dev file": ("a driver's /dev file", GONE, GONE, GONE),
}


def test_every_probe_is_in_the_table() -> None:
    assert list(ANSWERS) == list(PROBES)


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_probe_answers(name: str) -> None:
    family, *expected = ANSWERS[name]
    assert PROBES[name].family == family
    for rule, answer in zip(("none", "private-flag", "private-zonelist"), expected, strict=True):
        machine, process, address = _boot(rule, None)
        if PROBES[name].prepare is not None:
            PROBES[name].prepare(machine, process, address)
        failed = isinstance(answer, int) and answer > 0
        if isinstance(answer, bool):
            failed = False
        assert _try_probe(machine, process, address, PROBES[name]) == ((None, answer) if failed else (answer, 0)), rule
