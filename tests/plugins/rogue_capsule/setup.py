from setuptools import Extension, setup

setup(ext_modules=[Extension("rogue_capsule", ["rogue_capsule.c"], include_dirs=["."])])
