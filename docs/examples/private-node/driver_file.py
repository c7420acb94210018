"""Use a private node through a driver's own file in /dev, whose mappings the driver fills (the second way).

The permissions of the file decide who may use the memory; no call of the memory interface changes.
"""

from zswapsim.machine import BusError, DeviceFile, Machine, Mode, SyscallError

PAGE = 4096
machine = Machine.example("private-zonelist", interface="none")
A, D = machine.nodes["A"], machine.nodes["D"]
process = machine.spawn(A)

address = process.mmap(8 * PAGE, DeviceFile(machine, D), shared=True)
for page in range(8):
    process.touch(address + page * PAGE)
print("eight pages of the device:", machine.owners())

try:
    process.mbind(process.mmap(PAGE), PAGE, Mode.BIND, frozenset({D.id}))
except SyscallError as failed:
    print("mbind to D:", failed.name)

print("numa_maps says nothing of D:")
print(process.numa_maps(), end="")

large = process.mmap(D.frames * PAGE, DeviceFile(machine, D, "accel1"), shared=True)
try:
    for page in range(D.frames):
        process.touch(large + page * PAGE)
except BusError:
    print("the driver has no more frames: SIGBUS, and", machine.owners()["A"] or "nothing", "on A")
process.exit()
print("after the process is gone:", machine.owners())
