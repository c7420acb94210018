"""Describe the extension module; every other fact about the project is in pyproject.toml."""

from setuptools import Extension, setup

import zswapsim

setup(ext_modules=[Extension("zswapsim_stride", ["stride.c"], include_dirs=[zswapsim.get_include()])])
