"""The group of commands: names and help lines are here, a command's module is imported when it is called."""

import inspect
from importlib import import_module
from typing import Annotated, Any, get_origin

import typer
from typer.core import TyperCommand, TyperGroup

from zswapsim.cli.errors import report

HELP = "Compressed swap on a private memory node: run it, measure it and compare it, with real pages and real traces."
COMMANDS = {
    "demo": "Capture a real program's pages and replay a recorded trace over them.",
    "run": "Replay one trace over one setting.",
    "compare": "Replay one trace over every combination of settings.",
    "curve": "Faults and swap-outs at every size of DRAM, from one pass over a trace.",
    "plan": "Say how to provision: which DRAM, node and compressor keep an objective.",
    "audit": "Who gets a frame of a private node, under every isolation rule.",
    "cram": "How many pages a compressing device loses, under which control.",
    "capture": "Read a running process's anonymous pages into a page file.",
    "convert": "Rewrite a trace in another form.",
    "profile": "Compress every distinct page once, for any number of comparisons.",
    "compressors": "List the compressors; measure them on a page file.",
    "validate": "Ask the running kernel: zram's mm_stat, times and reclaim beside the model's.",
}


class Sparing:
    """A command or group whose parameters are converted only where they have to be.

    typer converts by a library that takes longer to import than numpy, also what is of its type already, as texts and
    most defaults are, or absent. Where it has no such library, nothing is changed.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        """The parameters, each with `process_value` replaced once."""
        parameters: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for parameter in parameters:
            spare_conversion(parameter)
        return parameters


def spare_conversion(parameter: Any) -> None:
    """Leave a value alone that is as it should be."""
    process, kind = parameter.process_value, getattr(parameter, "type_descriptor", None)
    several = parameter.multiple or parameter.nargs != 1 or get_origin(getattr(kind, "annotation", None)) is not None
    if kind is None or several or "process_value" in vars(parameter):
        return

    def process_value(ctx: Any, value: Any) -> Any:
        absent = value is None and not parameter.required
        if not absent and not isinstance(value, kind.annotation):
            return process(ctx, value)
        return value if parameter.callback is None else parameter.callback(ctx, parameter, value)

    parameter.process_value = process_value


class LazyGroup(Sparing, TyperGroup):
    """Lists commands from `COMMANDS`; the one that is called comes from `zswapsim.cli.NAME`, its `command`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command by the first word, then import it."""
        name, listed, rest = super().resolve_command(ctx, args)
        return name, load(name) if name in COMMANDS else listed, rest

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C becomes a line and an exit code here, before typer has its own way with it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise typer.Exit(report(error)) from None


class SectionedCommand(Sparing, TyperCommand):
    """Lists its options in sections, by their help panel: plain text that a pipe and a narrow terminal can take."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the sections; options without a panel come first."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                title = getattr(parameter, "rich_help_panel", None) or f"{parameter.param_type_name.title()}s"
                sections.setdefault(title, []).append(record)
        for title, records in sections.items():
            with formatter.section(title):
                formatter.write_dl(records)


def load(name: str) -> Any:
    """Import a command's module and build the command that typer runs."""
    module = import_module(f"zswapsim.cli.{name}")
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, cls=SectionedCommand, help=inspect.getdoc(module.command))(module.command)
    return typer.main.get_command(single)


def version(asked: bool) -> None:
    """Print the version and leave."""
    if asked:
        from zswapsim import __version__

        print(f"zswapsim {__version__}")
        raise typer.Exit


def group(
    ctx: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    """Stand for the group itself: its options, and what happens without a command."""
    if ctx.invoked_subcommand is None:
        print(ctx.get_help())
        raise typer.Exit(2)


def build() -> Any:
    """The whole application as the object that parses a command line."""
    app = typer.Typer(cls=LazyGroup, help=HELP, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.callback(invoke_without_command=True, help=HELP)(group)
    for name, line in COMMANDS.items():
        app.command(name, help=line)(lambda: None)
    return typer.main.get_command(app)


def invoke(arguments: list[str] | None) -> int:
    """Parse and run one command line; whatever goes wrong is raised, and only a number comes back."""
    code = build().main(args=arguments, prog_name="zswapsim", standalone_mode=False)
    return code if isinstance(code, int) else 0
