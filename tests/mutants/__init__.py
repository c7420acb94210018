"""Make mutants of the sources and look if the tests notice: tests/mutate.py runs it, docs/robustness.md tells of it."""
