"""The command line. Nothing heavy is imported before it is needed: `zswapsim --help` answers at once."""

GARBAGE_OBJECTS = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 wrong use, 1 failed, 130 interrupted.

    `arguments` is the command line without the program's name; the process's own when left out.
    """
    import atexit
    import gc
    import os
    import sys

    from zswapsim.cli.errors import guarded

    # What is imported is here to stay: looking through it for garbage takes a tenth of the start, and more at the end.
    gc.set_threshold(GARBAGE_OBJECTS)
    atexit.register(gc.freeze)
    # numpy's linear algebra, of which nothing is used, would keep a thread busy for a while.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    def work() -> int:
        read_early(sys.argv[1:] if arguments is None else arguments)
        from zswapsim.cli.app import invoke

        return invoke(arguments)

    return guarded(work)


def read_early(arguments: list[str]) -> None:
    """Begin to read the trace, where the command is going to: what is imported meanwhile takes as long as that."""
    if arguments[:1] in (["run"], ["compare"]):
        from zswapsim.traces.whole import begin

        any(begin(argument) for argument in arguments[1:])
