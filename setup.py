"""The extension modules; every other fact about the package is in pyproject.toml.

``ZSWAPSIM_BUILD`` chooses how they are compiled: ``release`` (default), ``debug`` (bounds checks
and C assertions on), ``sanitize`` (debug, with address and undefined-behaviour sanitizers) or ``none``, for an editable
install whose extensions are compiled by ``build_ext --inplace``.
"""

import multiprocessing
import os
import sysconfig
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# Cython's C is full of these; for our own C, `make lint` asks for more.
QUIET = ["unused-function", "unused-variable", "unused-but-set-variable", "sign-compare"]
WARNINGS = ["-Wall", *(f"-Wno-{kind}" for kind in QUIET)]
SANITIZERS = "-fsanitize=address,undefined"
# -g1 has the lines that a backtrace names; with -g compiling takes half as long again. Stamps of a log (lru/log.pxd)
# begin anew after 2**31: here soon after they have begun.
CHECKED = ["-O1", "-g1", "-UNDEBUG", "-DLRU_FIRST=0x7FFFFE00u"]
BUILDS = {
    "release": (["-O3", "-g0", "-fno-plt"], []),
    "debug": (CHECKED, []),
    "sanitize": (
        # CPython's own flags have -fwrapv, which would hide signed overflow from the sanitizer.
        [*CHECKED, "-fno-omit-frame-pointer", "-fno-wrapv", SANITIZERS, "-fno-sanitize-recover=all"],
        [SANITIZERS],
    ),
    "none": ([], []),
}
CORE = Path("zswapsim/_core")
CODECS = sorted(str(path) for path in Path("cext").glob("*.c"))
HEADERS = sorted(str(path) for path in Path("cext").glob("*.h"))
# Cython's own helpers, above all those for memoryviews, are compiled once and shared by all modules.
SHARED = "zswapsim._core._cyutility"


def extension(source: Path, compile_args: list[str], link_args: list[str]) -> Extension:
    """Describe one module of the core; the built-in codecs are linked into ``_core.codec.codec`` alone."""
    module = ".".join(source.with_suffix("").parts)
    holds_codecs = module == "zswapsim._core.codec.codec"
    return Extension(
        module,
        [str(source), *(CODECS if holds_codecs else [])],
        include_dirs=["cext"],
        depends=["setup.py", *HEADERS],
        extra_compile_args=["-std=c11", *WARNINGS, *compile_args],
        extra_link_args=link_args,
        libraries=["dl"] if holds_codecs else [],
    )


def shared_module(compile_args: list[str], link_args: list[str]) -> Extension:
    """Describe the module of Cython's helpers, which cythonize() writes."""
    return Extension(
        SHARED,
        [SHARED.replace(".", "/") + ".c"],
        depends=["setup.py"],
        extra_compile_args=["-std=c11", *WARNINGS, *compile_args],
        extra_link_args=link_args,
    )


if sysconfig.get_config_var("Py_GIL_DISABLED"):
    raise SystemExit("zswapsim: a Python without the GIL is not supported: use python3.13, not python3.13t")
build = os.environ.get("ZSWAPSIM_BUILD", "release")
if build not in BUILDS:
    raise SystemExit(f"ZSWAPSIM_BUILD={build}: expected one of {', '.join(BUILDS)}")
checked = build != "release"
sources = [] if build == "none" else sorted(CORE.rglob("*.pyx"))
shared = [] if build == "none" else [shared_module(*BUILDS[build])]

jobs = os.cpu_count() or 1

setup(
    options={"build_ext": {"parallel": jobs}},
    ext_modules=cythonize(
        [*(extension(source, *BUILDS[build]) for source in sources), *shared],
        # Directives differ between builds but cythonize looks at times alone, so each build keeps its own C files.
        build_dir=f"build/{build}/c",
        # Started any other way than by fork, a process would run this file again.
        nthreads=jobs if multiprocessing.get_start_method() == "fork" else 0,
        shared_utility_qualified_name=SHARED,
        compiler_directives={
            "language_level": "3",
            "boundscheck": checked,
            "wraparound": False,
            "initializedcheck": checked,
            "cdivision": True,
            "freethreading_compatible": False,
            "embedsignature": True,
        },
    ),
)
