"""Run zswapsim's command line. Heavy imports wait until a command needs them, so `zswapsim --help` answers at once."""

GARBAGE_OBJECTS = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 wrong use, 1 failed, 130 interrupted.

    `arguments` is the command line without the program's name; without it, the arguments of the process are used.
    """
    import atexit
    import gc
    import os
    import sys

    from zswapsim.cli.errors import guarded

    # Imported objects live until the process ends: scanning them for garbage costs a tenth of the start, more at exit.
    gc.set_threshold(GARBAGE_OBJECTS)
    atexit.register(gc.freeze)
    # We use none of numpy's linear algebra, and its threads would keep a core busy for a while.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    given = sys.argv[1:] if arguments is None else arguments

    def work() -> int:
        read_early(given)
        from zswapsim.cli.commands import invoke
        from zswapsim.cli.notices import printed_warnings

        with printed_warnings():
            return invoke(given)

    return guarded(work)


def read_early(arguments: list[str]) -> None:
    """Begin to read the trace if the command will need it: the imports that follow take as long as the reading."""
    if arguments[:1] in (["run"], ["compare"]):
        from zswapsim.traces.whole import begin

        any(begin(argument) for argument in arguments[1:])
