"""Describe the extension module; every other fact about the project is in pyproject.toml."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import zswapsim

module = Extension("zswapsim_second_chance_c", ["zswapsim_second_chance_c.pyx"], include_dirs=[zswapsim.get_include()])
# The .pxd files are found here even if zswapsim is installed for editing.
setup(ext_modules=cythonize(module, include_path=[str(Path(zswapsim.__file__).parents[1])]))
