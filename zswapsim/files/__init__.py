"""Open, create, replace and remove files: the only place of this package that does so from Python.

``operation`` announces every file operation, so that a test can make any of them fail; ``make lint`` checks that
nothing goes past it. docs/robustness.md tells what is promised.
"""
