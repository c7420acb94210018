"""Run every combination of settings over one trace, in parallel."""
