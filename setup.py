"""The extension modules; every other fact about the package is in pyproject.toml.

``ZSWAPSIM_BUILD`` chooses how they are compiled: ``release`` (default), ``debug`` (bounds checks
and C assertions on), ``sanitize`` (debug, with address and undefined-behaviour sanitizers) or ``none``, for an editable
install whose extensions are compiled by ``build_ext --inplace``.
"""

import multiprocessing
import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

# What Cython generates is full of these; for our own C, `make lint` asks for more.
QUIET = ["unused-function", "unused-variable", "unused-but-set-variable", "sign-compare"]
WARNINGS = ["-Wall", *(f"-Wno-{kind}" for kind in QUIET)]
SANITIZERS = "-fsanitize=address,undefined"
# -g1 has the lines that a backtrace names; with -g compiling takes half as long again. Stamps of a log (lru.pxd) begin
# anew after 2**31: here soon after they have begun.
CHECKED = ["-O1", "-g1", "-UNDEBUG", "-DLRU_FIRST=0x7FFFFE00u"]
BUILDS = {
    "release": (["-O3", "-fno-plt"], []),
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


def extension(source: Path, compile_args: list[str], link_args: list[str]) -> Extension:
    """One module of the core; the built-in codecs are linked into ``_core.codec`` alone."""
    module = source.stem
    return Extension(
        f"zswapsim._core.{module}",
        [str(source), *(CODECS if module == "codec" else [])],
        include_dirs=["cext"],
        depends=["setup.py", *(str(path) for path in Path("cext").glob("*.h"))],
        extra_compile_args=["-std=c11", *WARNINGS, *compile_args],
        extra_link_args=link_args,
        libraries=["dl"] if module == "codec" else [],
    )


build = os.environ.get("ZSWAPSIM_BUILD", "release")
if build not in BUILDS:
    raise SystemExit(f"ZSWAPSIM_BUILD={build}: expected one of {', '.join(BUILDS)}")
checked = build != "release"
modules = [] if build == "none" else sorted(CORE.glob("*.pyx"))

jobs = os.cpu_count() or 1

setup(
    options={"build_ext": {"parallel": jobs}},
    ext_modules=cythonize(
        [extension(source, *BUILDS[build]) for source in modules],
        # Directives differ between builds but cythonize looks at times alone, so each build keeps its own C files.
        build_dir=f"build/{build}/c",
        # Started any other way than by fork, a process would run this file again.
        nthreads=jobs if multiprocessing.get_start_method() == "fork" else 0,
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
