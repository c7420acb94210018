"""Run a process that touches pages on request, for tests that observe it from outside."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

PAGES = 600
CODE = f"""
import ctypes, mmap, sys
PAGES = {PAGES}
memory = mmap.mmap(-1, 2 * PAGES * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(mmap.MADV_NOHUGEPAGE)
sparse = mmap.mmap(-1, 1 << 40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)  # MAP_NORESERVE
sparse.madvise(mmap.MADV_NOHUGEPAGE)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
libc = ctypes.CDLL(None, use_errno=True)
for page in range(PAGES):
    memory[4096 * page] = 1
for far in range(8):
    sparse[far << 37] = 1
print(hex(start), flush=True)
for line in sys.stdin:
    command, first, count = line.split()
    if command == "flush":
        for protection in mmap.PROT_READ, mmap.PROT_READ | mmap.PROT_WRITE:
            assert not libc.mprotect(ctypes.c_void_p(start), ctypes.c_size_t(len(memory)), protection)
    for page in range(int(first), int(first) + int(count)):
        if command == "read":
            memory[4096 * page]
        else:
            memory[4096 * page] = 2
    print("done", flush=True)
"""


class Child:
    """Control the process. Its mapping begins at `start`: PAGES present pages, then as many that are not yet."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.pid = process, process.pid
        self.start = int(process.stdout.readline(), 16)

    def touch(self, how: str, first: int, count: int) -> None:
        """Let it ``read`` or ``write`` `count` pages from page `first` on. They are touched when this returns."""
        self.process.stdin.write(f"{how} {first} {count}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "done\n"

    def flush(self) -> None:
        """Let it flush its mapping's translations from the TLB, so that the next touch of a page sets the accessed bit.

        It removes the right to write and restores it, which changes neither the pages nor their accessed bits.
        """
        self.touch("flush", 0, 0)

    def end(self) -> None:
        """Kill the process and reap it."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def child() -> Iterator[Child]:
    """Run such a process until the block ends."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", CODE], **pipes) as process:
        one = Child(process)
        try:
            yield one
        finally:
            process.kill()
