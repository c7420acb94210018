"""A process is composed of a task, its address space with a page table, and system calls as functions over the task."""
