"""Use a private node that opts in, and to which a process binds memory with mbind (the first way).

The interface is the one that the thread of June 2026 asks for: MPOL_BIND of a mapping to one node, static nodes only.
"""

from zswapsim.machine import Cap, File, Machine, Mode, ModeFlag, MoveFlag, SyscallError

PAGE = 4096
machine = Machine.example("private-flag", interface="mbind-opt-in")
A, C = machine.nodes["A"], machine.nodes["C"]
process = machine.spawn(A)
to_c = (Mode.BIND, frozenset({C.id}), ModeFlag.STATIC_NODES)


def touch(address: int) -> int:
    """Write to four pages, and return their address."""
    for page in range(4):
        process.touch(address + page * PAGE)
    return address


def attempt(what: str, address: int, *policy: object) -> None:
    """Set a policy, and print the result."""
    try:
        process.mbind(address, 4 * PAGE, *policy)
        print(f"{what}: done")
    except SyscallError as failed:
        print(f"{what}: {failed.name}")


memory = process.mmap(4 * PAGE)
attempt("bind to C before it opts in", memory, *to_c)
machine.opt_in(C, Cap.USER_NUMA)
attempt("bind to C without static nodes", memory, Mode.BIND, frozenset({C.id}))
attempt("interleave over A and C", memory, Mode.INTERLEAVE, frozenset({A.id, C.id}), ModeFlag.STATIC_NODES)
attempt("bind to C", memory, *to_c)
touch(memory)
print("anonymous memory:", machine.owners())

attempt("bind what is there already, and move it", touch(process.mmap(4 * PAGE)), *to_c, MoveFlag.MOVE)
print("moved memory:", machine.owners())

mapped = process.mmap(4 * PAGE, File("data"), shared=True)
attempt("bind a file's mapping", mapped, *to_c)
touch(mapped)
print("a file's pages go where the page cache puts them:", machine.owners())
print("frames on private nodes of whom they were not granted to:", machine.leaks() or "none")
