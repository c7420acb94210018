"""The extension module; every other fact about the project is in pyproject.toml.

A project of its own has a copy of zsw_codec.h beside this file; here it is the one in zswapsim's tree.
"""

from setuptools import Extension, setup

setup(ext_modules=[Extension("zswapsim_stride", ["stride.c"], include_dirs=[".", "../../../cext"])])
