"""Use a private node as the swap backend's memory, without any user interface (the third way)."""

import zswapsim
from zswapsim.machine import Advice, Machine, Mode, SyscallError

PAGE = 4096
machine = Machine.example("private-flag", interface="none")
A, C = machine.nodes["A"], machine.nodes["C"]
machine.swap_on(C)
process = machine.spawn(A)

memory = process.mmap(256 * PAGE)
for page in range(256):
    process.touch(memory + page * PAGE)
print("256 pages of a process:", machine.owners())
process.madvise(memory, 256 * PAGE, Advice.PAGEOUT)
print("swapped out:", machine.owners())
process.touch(memory)
print("one is back:", machine.owners())

for name, call in {
    "mbind": lambda: process.mbind(memory, PAGE, Mode.BIND, frozenset({C.id})),
    "set_mempolicy": lambda: process.set_mempolicy(Mode.PREFERRED, frozenset({C.id})),
    "move_pages": lambda: process.move_pages([memory], [C.id]),
    "migrate_pages": lambda: process.migrate_pages(frozenset({A.id}), frozenset({C.id})),
    "cpuset.mems": lambda: machine.root_cpuset.child("jobs").write_mems(frozenset({C.id})),
}.items():
    try:
        print(name, call())
    except SyscallError as failed:
        print(f"{name}: {failed.name}, as on a machine that has no such node")

print("\nThe same with real pages, compressed by lz4:")
result = zswapsim.run("bundled:sort", "recipe:text", zswapsim.Settings(dram="30%", node="50%"))
print(f"{result.outcome}; frames of the private node: {result.owners['private']}")
