"""Extension modules that the benchmarks alone use; setup.py beside them compiles them."""
