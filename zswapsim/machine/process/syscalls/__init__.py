"""Each module has a system call, or a family of them, as functions over a task."""
