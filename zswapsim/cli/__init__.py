"""Run zswapsim's command line. Heavy imports wait until a command needs them, so `zswapsim --help` answers at once."""

GARBAGE_OBJECTS = 100_000


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 wrong use, 1 failed, 130 interrupted.

    `arguments` is the command line without the program's name. Without it, this process is the command's: its arguments
    are used, its streams are prepared, and ending signals are ignored once the exit code is known.
    """
    try:
        return _main(arguments)
    except KeyboardInterrupt:  # before the signals were taken over
        return _interrupted_early()


def _main(arguments: list[str] | None) -> int:
    import gc
    import os
    import sys

    from zswapsim.cli import streams
    from zswapsim.cli.errors import guarded

    ours = arguments is None
    given = sys.argv[1:] if arguments is None else arguments

    def work() -> int:
        if ours or None in (sys.stdin, sys.stdout, sys.stderr):
            streams.prepare()
        # Imported objects live until the process ends: scanning them for garbage costs a tenth of the start.
        gc.set_threshold(GARBAGE_OBJECTS)
        # We use none of numpy's linear algebra, and its threads would keep a core busy for a while.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        read_early(given)
        from zswapsim.cli.commands import invoke
        from zswapsim.cli.notices import printed_warnings

        with printed_warnings():
            return invoke(given)

    code = guarded(work, for_good=ours)
    if ours:
        gc.freeze()  # the interpreter's last scan for garbage would take longer than everything else at exit
    return code


def _interrupted_early() -> int:
    import os
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.write(2, b"zswapsim: interrupted\n")  # files: standard error
    return 130


def read_early(arguments: list[str]) -> None:
    """Begin to read the trace if the command will need it: the imports that follow take as long as the reading."""
    if arguments[:1] in (["run"], ["compare"]):
        from zswapsim.traces.whole import begin

        any(begin(argument) for argument in arguments[1:])
