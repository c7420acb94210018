"""Keep exact LRU order in a log of accesses."""
