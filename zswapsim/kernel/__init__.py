"""The running kernel's zram, swap and memory-limited groups, for a check of the model against it.

Everything here touches only what it has made itself, and `guard` takes it away again whatever happens to the program.
"""
