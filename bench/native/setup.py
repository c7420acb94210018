"""Compile the modules beside this file in place: ``cd bench && python native/setup.py build_ext --inplace``.

They cimport the core, so zswapsim is built in the tree first.
"""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

TREE = Path(__file__).resolve().parents[2]

setup(
    name="native",
    packages=[],
    options={"build": {"build_base": "../build/bench"}},
    ext_modules=cythonize(
        [
            Extension(
                f"native.{source.stem}",
                [str(source)],
                include_dirs=[str(TREE / "cext")],
                extra_compile_args=["-std=c11", "-O3", "-g0", "-fno-plt"],
            )
            for source in sorted(Path("native").glob("*.pyx"))
        ],
        include_path=[str(TREE)],
        build_dir="../build/bench",
        shared_utility_qualified_name="zswapsim._core._cyutility",
        compiler_directives={
            "language_level": "3",
            "boundscheck": False,
            "wraparound": False,
            "initializedcheck": False,
            "cdivision": True,
        },
    ),
)
