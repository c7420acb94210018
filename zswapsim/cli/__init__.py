"""The command line. Nothing heavy is imported before it is needed: `zswapsim --help` answers at once."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 2 wrong use, 1 failed, 130 interrupted.

    `arguments` is the command line without the program's name; the process's own when left out.
    """
    from zswapsim.cli.errors import guarded

    def work() -> int:
        from zswapsim.cli.app import invoke

        return invoke(arguments)

    return guarded(work)
