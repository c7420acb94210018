"""Hold the extension modules that only the benchmarks use; setup.py beside them compiles them."""
