"""Show who gets a frame of a private node, under every isolation rule.

Every caller in the kernel and every system call and file of user space is run
on a machine with ordinary nodes A and B and private nodes C and D; C is granted
to the swap backend, and D to a driver. The table shows which of them get a
frame of a private node, and which of them can tell that it exists.
"""

import argparse

from zswapsim.cli.options import add_output
from zswapsim.cli.streams import say
from zswapsim.machine.interface import INTERFACES
from zswapsim.machine.isolation import RULES


def prepare_parser(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `zswapsim audit`."""
    parser.usage = "%(prog)s [options]"
    text = f"A rule to audit: {', '.join(RULES)}. Repeatable. [default: all]"
    parser.add_argument("--isolation", metavar="RULE", action="append", help=text)
    text = f"Interface that users see: {', '.join(INTERFACES)}. [default: that of the rule's version]"
    parser.add_argument("--interface", metavar="NAME", help=text)
    text = "Print the walks of this caller instead of the table."
    parser.add_argument("--explain", metavar="CALLER", help=text)
    parser.add_argument("--picture", metavar="FILE", help="Draw the matrix: FILE.svg or FILE.png.")
    add_output(parser)


def run(args: argparse.Namespace) -> None:
    """Run `zswapsim audit`."""
    from zswapsim.cli.output import check_output
    from zswapsim.report.picture import check_picture

    rules = list(dict.fromkeys(args.isolation or RULES))
    check_output(args.json)
    if args.explain is not None:
        explain_caller(rules, args.explain, args.interface)
        return
    if args.picture is not None:
        check_picture(args.picture)
        check_output(args.picture)
    show(rules, args)


def explain_caller(rules: list[str], name: str, interface: str | None) -> None:
    """Print every walk of one caller, rule by rule."""
    from zswapsim.machine.audit import run_caller
    from zswapsim.report.audit import explanation

    say("\n\n".join(explanation(rule, name, run_caller(rule, name, interface)[1]) for rule in rules))


def show(rules: list[str], args: argparse.Namespace) -> None:
    """Run the audit and write it in every form that was asked for."""
    from zswapsim.cli.output import terminal, text_wanted, write_json
    from zswapsim.json_text import json_document
    from zswapsim.machine.audit import audit, verdicts
    from zswapsim.report.audit import audit_text
    from zswapsim.report.picture import draw_matrix

    cells = audit(rules, args.interface)
    if args.picture is not None:
        draw_matrix(cells, args.picture)
    if args.json is not None:
        write_json(args.json, json_document(cells))
    if text_wanted(args.json, args.quiet):
        say(audit_text(cells, verdicts(cells), *terminal()))
