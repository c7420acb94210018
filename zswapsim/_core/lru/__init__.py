"""Keep exact least-recently-used order in a log of accesses."""
