from setuptools import Extension, setup

import zswapsim

setup(ext_modules=[Extension("rogue_capsule", ["rogue_capsule.c"], include_dirs=[zswapsim.get_include()])])
