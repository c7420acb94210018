"""Use the running kernel's zram, swap and memory-limited groups, to check the model against it.

These modules touch only what they have made themselves, and `guard` removes it even if the program is killed.
"""
