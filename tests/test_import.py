"""Check what importing the package costs, and which names it has."""

import ast
import pickle
import re
import subprocess
import sys
from importlib import import_module, metadata
from pathlib import Path

import pytest
from tree import TREE

import zswapsim

HEAVY = {"pyarrow", "argparse", "rich", "hypothesis", "multiprocessing.pool", "sqlite3"}
PUBLIC = ["PageStore", "Result", "Settings", "compare", "read_trace", "run"]


def python(code: str) -> str:
    """Return the output of `code` in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def loaded_by(statement: str) -> set[str]:
    return set(python(f"import sys\n{statement}\nprint(*sys.modules)").split())


def test_import_loads_nothing_heavy() -> None:
    assert not loaded_by("import zswapsim") & HEAVY


def test_public_names_come_without_the_command_line() -> None:
    names = loaded_by(f"from zswapsim import {', '.join(PUBLIC)}")
    assert not names & {"argparse", "rich"}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_there_and_documented(name: str) -> None:
    assert name in zswapsim.__all__
    assert getattr(zswapsim, name).__doc__


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = zswapsim.no_such_name  # type: ignore[attr-defined]


def test_version_is_the_same_everywhere() -> None:
    assert metadata.version("zswapsim") == zswapsim.__version__
    changelog = (TREE / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == zswapsim.__version__


def test_the_package_is_typed() -> None:
    assert (Path(zswapsim.__file__).parent / "py.typed").exists()


def test_stubs_name_what_the_extensions_have() -> None:
    """Check that every public name of a `.pyi` is in the compiled module of that name."""
    package = Path(zswapsim.__file__).parent
    stubs = sorted((package / "_core").rglob("*.pyi"))
    assert stubs
    for stub in stubs:
        module = import_module(".".join(["zswapsim", *stub.relative_to(package).with_suffix("").parts]))
        defined = [
            node.name
            for node in ast.parse(stub.read_text()).body
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
        ]
        assert [name for name in defined if not hasattr(module, name)] == [], stub.name


def test_the_core_imports_nothing_from_above() -> None:
    """import-linter reads Python alone. An import within a function may point up: it gives an object for a name."""
    up = re.compile(r"^(?:from|c?import)\s+(?:zswapsim(?!\._core)|\.\.)", re.MULTILINE)
    sources = sorted((TREE / "zswapsim" / "_core").rglob("*.p*x*"))
    assert sources
    assert [path.name for path in sources if up.search(path.read_text())] == []


def test_exceptions_name_the_package_and_survive_pickling() -> None:
    kinds = [getattr(zswapsim, name) for name in zswapsim.__all__ if name.endswith("Error")]
    assert len(kinds) == 12
    for kind in kinds:
        assert kind.__module__ == "zswapsim"
        assert f"{kind.__module__}.{kind.__qualname__}" == f"zswapsim.{kind.__name__}"
        error = pickle.loads(pickle.dumps(kind("slot 7: nothing is stored there")))
        assert (type(error), str(error)) == (kind, "slot 7: nothing is stored there")
