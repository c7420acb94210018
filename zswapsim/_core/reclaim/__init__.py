"""Choose the pages to evict: one reclaimer a file, over the interface in reclaimer.pxd."""
