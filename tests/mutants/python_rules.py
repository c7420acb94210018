"""Make the mutants of a Python file from its syntax tree; everything but the change keeps its text."""

import ast
import sys
import tokenize
from collections.abc import Iterator
from itertools import pairwise

from mutants.fstrings import expressions
from mutants.mutant import Mutant
from mutants.numbers import changed_numbers
from mutants.source import Source

COMPARED = {
    "<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"), "==": ("!=",), "!=": ("==",),
}  # fmt: skip
OTHERS = {"and": "or", "or": "and", "+": "-", "-": "+", "+=": "-=", "-=": "+="}
OPPOSITE = {"min": "max", "max": "min", "any": "all", "all": "any"}
UNORDERED = {"min", "max", "print"}
LOOKS = {
    "fontsize", "figsize", "linewidth", "markersize", "markeredgewidth", "alpha", "zorder", "dpi", "ncols", "linestyle",
    "xytext", "frameon", "visible", "clip_on", "break_on_hyphens", "colour",
}  # fmt: skip
"""Arguments that only change how a picture or a terminal looks."""
PLAIN = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete)
TEXTS = (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp)
OLD_FSTRINGS = sys.version_info < (3, 12)


def python_mutants(path: str, text: str) -> list[Mutant]:
    """Return every mutant of a file, in the order of its text."""
    rules = _Rules(path, Source(text))
    rules.visit(ast.parse(text))
    if OLD_FSTRINGS:
        rules.visit_fstrings()
    unique = {(each.start, each.end, each.text): each for each in rules.found}
    return sorted(unique.values(), key=lambda each: (each.start, each.end, each.text))


class _Rules(ast.NodeVisitor):
    def __init__(self, path: str, source: Source, base: int = 0, whole: Source | None = None) -> None:
        self.path, self.source, self.base = path, source, base
        self.whole = whole or source
        self.returns: list[str] = []
        self.drawing = 0
        self.found: list[Mutant] = []

    # --- places -------------------------------------------------------------------------------------------------

    def start(self, node: ast.AST) -> int:
        return self.source.at(node.lineno, node.col_offset)

    def end(self, node: ast.AST) -> int:
        return self.source.at(node.end_lineno, node.end_col_offset)

    def text(self, node: ast.AST) -> str:
        return self.source.text[self.start(node) : self.end(node)]

    def add(self, start: int, end: int, text: str, rule: str) -> None:
        place = start + self.base
        self.found.append(Mutant(self.path, self.whole.line_of(place), place, end + self.base, text, rule))

    def instead(self, node: ast.AST, text: str, rule: str) -> None:
        self.add(self.start(node), self.end(node), text, rule)

    def operators(self, left: ast.AST, right: ast.AST) -> Iterator[tuple[int, int, str]]:
        for token in self.source.between(self.end(left), self.start(right)):
            if token.text not in "()":
                yield token.start, token.end, token.text

    # --- what is left alone -------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None: ...

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None: ...

    def visit_Assert(self, node: ast.Assert) -> None: ...

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if not OLD_FSTRINGS:
            self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None: ...

    # --- expressions --------------------------------------------------------------------------------------------

    def visit_Compare(self, node: ast.Compare) -> None:
        for left, right in zip([node.left, *node.comparators], node.comparators, strict=False):
            words = list(self.operators(left, right))
            start, end = words[0][0], words[-1][1]
            name = " ".join(word[2] for word in words)
            for other in COMPARED.get(name, ()):
                self.add(start, end, other, "comparison")
            if name in {"is", "is not", "in", "not in"}:
                other = name.replace(" not", "").replace("not ", "") if "not" in name else _negated(name)
                self.add(start, end, other, "comparison")
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in zip(node.values, node.values[1:], strict=False):
            for start, end, word in self.operators(left, right):
                if word in OTHERS:
                    self.add(start, end, OTHERS[word], "and/or")
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        texts = any(isinstance(side, TEXTS) or _is_text(side) for side in (node.left, node.right))
        for start, end, word in self.operators(node.left, node.right):
            if word in {"+", "-"} and not texts:
                self.add(start, end, OTHERS[word], "+ for -")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self.instead(node, f"({self.text(node.operand)})", "negated")
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        for test in node.ifs:
            self.negate(test)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in OPPOSITE:
            self.instead(node.func, OPPOSITE[name], "min/max")
        drawing = _draws(node)
        self.drawing += drawing
        self.generic_visit(node)
        self.drawing -= drawing
        if name in UNORDERED or drawing:
            return
        for first, second in zip(node.args, node.args[1:], strict=False):
            if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
                self.swap(first, second, "order of arguments")

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in LOOKS:
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self.instead(node, str(not node.value), "constant")
        elif isinstance(node.value, int) or (isinstance(node.value, float) and not self.drawing):
            for other in changed_numbers(self.text(node)):
                self.instead(node, other, "constant")

    def negate(self, test: ast.expr) -> None:
        if not (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"):
            self.instead(test, f"(not ({self.text(test)}))", "negated")

    def swap(self, first: ast.AST, second: ast.AST, rule: str) -> None:
        one, other = self.text(first), self.text(second)
        if one != other:
            kept = self.source.text[self.end(first) : self.start(second)]
            self.add(self.start(first), self.end(second), f"{other}{kept}{one}", rule)

    # --- statements ---------------------------------------------------------------------------------------------

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return
        self.negate(node.test)
        self.generic_visit(node)

    def visit_While(self, node: ast.While) -> None:
        self.negate(node.test)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        for start, end, word in self.operators(node.target, node.value):
            if word in OTHERS:
                self.add(start, end, OTHERS[word], "+ for -")
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.returns.append(ast.unparse(node.returns) if node.returns else "")
        for part in [*node.args.defaults, *(each for each in node.args.kw_defaults if each), *node.body]:
            self.visit(part)
        self.visit_block(node.body, declares=False)
        self.returns.pop()

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is None:
            return
        other = _returned(self.returns[-1], self.text(node.value))
        if other and other != self.text(node.value):
            self.instead(node.value, other, "return value")
        self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> None:
        for name in ("body", "orelse", "finalbody"):
            if isinstance(getattr(node, name, None), list):
                self.visit_block(getattr(node, name), isinstance(node, ast.ClassDef | ast.Module))
        super().generic_visit(node)

    def visit_block(self, block: list[ast.stmt], declares: bool) -> None:
        """Drop statements, and exchange neighbours. A name of a class or module that is missing is found at once."""
        plain = [each for each in block if isinstance(each, PLAIN) and not _says_nothing(each)]
        for each in plain:
            if not declares and not _binds_a_name(each):
                self.instead(each, "pass", "dropped statement")
        for each in block:
            if isinstance(each, ast.Break | ast.Continue | ast.Raise):
                self.instead(each, "pass", "dropped statement")
        for first, second in pairwise(block):
            if not declares and first in plain and second in plain and _order_counts(first, second):
                self.swap(first, second, "order of statements")

    def visit_fstrings(self) -> None:
        for token in self.source.tokens:
            if token.kind != tokenize.STRING:
                continue
            for start, end in expressions(token.text, token.start):
                inner = f"({self.source.text[start:end]})"
                try:
                    tree = ast.parse(inner, mode="eval")
                except SyntaxError:
                    continue
                rules = _Rules(self.path, Source(inner), start - 1, self.whole)
                rules.visit(tree)
                self.found += [each for each in rules.found if '"' not in each.text]


def _draws(node: ast.Call) -> bool:
    """Return True for a call that draws: numbers that are not whole only place things in the picture."""
    return isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) in {"axes", "figure"}


def _negated(name: str) -> str:
    return {"is": "is not", "in": "not in"}[name]


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _says_nothing(node: ast.stmt) -> bool:
    """Return True for a docstring, an ellipsis and a declaration."""
    return (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) or (
        isinstance(node, ast.AnnAssign) and node.value is None
    )


def _binds_a_name(node: ast.stmt) -> bool:
    """Return True if without the statement a name may be unknown, which is no test of the tests."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(part, ast.Name) for target in targets for part in ast.walk(target) if _stored(part))


def _stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Store)


def _order_counts(first: ast.stmt, second: ast.stmt) -> bool:
    """Return True if exchanging two statements may change what they do, and does not just leave a name unknown."""
    bound = {part.id for part in ast.walk(first) if isinstance(part, ast.Name) and _stored(part)}
    if any(isinstance(part, ast.Name) and part.id in bound for part in ast.walk(second)):
        return False
    if isinstance(first, ast.Expr) and isinstance(second, ast.Expr):
        return _calls_belong_together(first.value, second.value)
    return any(_writes(one) & _texts(other) for one, other in ((first, second), (second, first)))


def _calls_belong_together(first: ast.expr, second: ast.expr) -> bool:
    """Return True if two calls are of the same function, or of functions of one object with a name in common."""
    if not isinstance(first, ast.Call) or not isinstance(second, ast.Call):
        return False
    if ast.unparse(first.func) == ast.unparse(second.func):
        return True
    objects = {ast.unparse(getattr(call.func, "value", ast.Name(""))) for call in (first, second)}
    names = ({part.id for each in _arguments(call) for part in ast.walk(each) if isinstance(part, ast.Name)}
             for call in (first, second))  # fmt: skip
    return len(objects) == 1 and bool(next(names) & next(names))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(each.value for each in call.keywords)]


def _writes(node: ast.stmt) -> set[str]:
    """Return what a statement assigns to, as written: ``self.last``, ``row[place]`` and ``row``."""
    parts = [part for part in ast.walk(node) if _stored(part)]
    changed = [part.value for part in parts if isinstance(part, ast.Subscript)]
    return {ast.unparse(part) for part in [*parts, *changed]}


def _texts(node: ast.stmt) -> set[str]:
    return {ast.unparse(part) for part in ast.walk(node) if isinstance(part, ast.expr)}


def _returned(kind: str, text: str) -> str:
    if kind == "bool":
        return f"not ({text})"
    if kind in {"int", "float"}:
        return f"({text}) + 1"
    for name, empty in (("str", '""'), ("list", "[]"), ("dict", "{}")):
        if kind == name or kind.startswith(f"{name}["):
            return empty
    return "None" if kind.endswith("| None") else ""
