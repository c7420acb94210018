"""Walk a trace: the page table, the fault path, large folios, the swap cache, statistics."""
