"""`zswapsim audit`: every caller and every user surface, under every isolation rule."""

from typing import Annotated

import typer

from zswapsim.cli.options import JsonOption, QuietOption
from zswapsim.machine.interface import INTERFACES
from zswapsim.machine.isolation import RULES


def command(
    isolation: Annotated[
        list[str] | None, typer.Option(metavar="RULE", help=f"One of {', '.join(RULES)}. Repeatable; all by default.")
    ] = None,
    interface: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"What users see: {', '.join(INTERFACES)}; by default as the rule's version."
        ),
    ] = None,
    explain: Annotated[str | None, typer.Option(metavar="CALLER", help="Print this caller's walks instead.")] = None,
    picture: Annotated[str | None, typer.Option(metavar="FILE", help="Draw the matrix: FILE.svg or FILE.png.")] = None,
    json: JsonOption = None,
    quiet: QuietOption = False,
) -> None:
    """Who gets a frame of a private node, and who can tell that it is there.

    Runs every caller of the kernel and every call and file of user space on a machine with ordinary nodes A, B and
    private nodes C, D, of which C is granted to the swap backend and D to a driver.
    """
    from zswapsim.cli.output import check_output, text_wanted
    from zswapsim.report.picture import check_picture

    rules = list(dict.fromkeys(isolation or RULES))
    check_output(json)
    if explain is not None:
        explain_caller(rules, explain, interface)
        return
    if picture is not None:
        check_picture(picture)
        check_output(picture)
    show(rules, interface, picture, json, text=text_wanted(json, quiet))


def explain_caller(rules: list[str], name: str, interface: str | None) -> None:
    """Print every walk of one caller, rule by rule."""
    from zswapsim.machine.audit import run_caller
    from zswapsim.report.audit import explanation

    print("\n\n".join(explanation(rule, name, run_caller(rule, name, interface)[1]) for rule in rules))


def show(rules: list[str], interface: str | None, picture: str | None, json: str | None, *, text: bool) -> None:
    """Run the audit and give it out in every form that was asked for."""
    import msgspec

    from zswapsim.cli.output import terminal, write_json
    from zswapsim.machine.audit import audit, verdicts
    from zswapsim.report.audit import audit_text
    from zswapsim.report.picture import draw_matrix

    cells = audit(rules, interface)
    if picture is not None:
        draw_matrix(cells, picture)
    if json is not None:
        write_json(json, msgspec.json.format(msgspec.json.encode(cells), indent=2))
    if text:
        print(audit_text(cells, verdicts(cells), *terminal()))
