"""List the commands, parse a command line with argparse and run the command that it names.

A command is a module of this package. Its docstring is its help, `prepare_parser` declares its options and `run` does
the work. Only the module of the command that is called is imported.
"""

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from zswapsim.cli.errors import DONE, WRONG_USE

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

PROGRAM = "zswapsim"
HELP = "Run, measure and compare compressed swap on a private memory node, with real pages and real traces."
COMMANDS = {
    "demo": "Capture a real program's pages and replay a recorded trace over them.",
    "run": "Replay one trace with one set of settings.",
    "compare": "Replay one trace with every combination of settings.",
    "curve": "Count faults and swap-outs at every size of DRAM, in one pass over a trace.",
    "plan": "Find the DRAM size, node size and compressor that keep an objective.",
    "audit": "Show who gets a frame of a private node, under every isolation rule.",
    "cram": "Count the pages that a compressing device loses, under each control.",
    "capture": "Read a running process's anonymous pages into a page file.",
    "convert": "Rewrite a trace in another form.",
    "profile": "Compress every distinct page once, for any number of comparisons.",
    "compressors": "List the compressors, or measure them on a page file.",
    "validate": "Compare the model with the running kernel: zram's mm_stat, times and reclaim.",
}
"""Maps every command to the first line of its help, which is the first line of its module's docstring."""


class Parser(argparse.ArgumentParser):
    """Raise InputError, which becomes one line, where argparse would print the usage and exit."""

    def __init__(self, prog: str, description: str | None = None, usage: str | None = None) -> None:
        super().__init__(
            prog,
            usage,
            description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            add_help=False,
            allow_abbrev=False,
        )
        self.add_argument("--help", "-h", action="help", help="Print this help.")

    def error(self, message: str) -> NoReturn:
        from zswapsim._core.base.errors import InputError

        command = self.prog.removeprefix(PROGRAM).strip()
        raise InputError(f"{command}: {message} (see {self.prog} --help)".removeprefix(": "))

    def print_help(self, file: "SupportsWrite[str] | None" = None) -> None:
        """Print the help; unlike argparse's own, this raises an OSError if stdout cannot be written to."""
        print(self.format_help(), end="", file=file)


def invoke(arguments: list[str]) -> int:
    """Parse and run one command line and return its exit code; errors are raised."""
    if not arguments or arguments[0] not in COMMANDS:
        return without_command(arguments)
    name, *rest = arguments
    module = import_module(f"zswapsim.cli.{name}")
    parser = Parser(f"{PROGRAM} {name}", module.__doc__)
    module.prepare_parser(parser)
    asked = parse(parser, rest)
    if asked is not None:
        from zswapsim.cli.file_roles import prepare_files

        prepare_files(name, asked)
        module.run(asked)
    return DONE


def without_command(arguments: list[str]) -> int:
    """Answer `--help` and `--version`; without any argument, print the help as wrong use."""
    parser = Parser(PROGRAM, HELP, "%(prog)s [--help] [--version] COMMAND ...")
    parser.add_argument("--version", action="store_true", help="Print the version.")
    commands = parser.add_subparsers(title="Commands", metavar="COMMAND", parser_class=argparse.ArgumentParser)
    for name, line in COMMANDS.items():
        commands.add_parser(name, help=line)
    if arguments and not arguments[0].startswith("-"):
        parser.error(f"no command {arguments[0]!r}: expected one of {', '.join(COMMANDS)}")
    asked = parse(parser, arguments)
    if asked is None:
        return DONE
    if asked.version:
        from zswapsim import __version__

        print(f"{PROGRAM} {__version__}")
        return DONE
    parser.print_help()
    return WRONG_USE


def parse(parser: Parser, arguments: list[str]) -> argparse.Namespace | None:
    """Return the parsed arguments, or None if `--help` was asked for and has been printed."""
    for argument in arguments:
        if argument.startswith("--") and argument.endswith("=--"):  # argparse would make an empty list of it
            parser.error(f"argument {argument.removesuffix('=--')}: expected a value, got '--'")
    try:
        return parser.parse_args(arguments)
    except SystemExit as done:
        if done.code:
            raise
        return None
