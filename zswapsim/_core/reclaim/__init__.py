"""Choose the pages that go: one reclaimer a file, over the interface in reclaimer.pxd."""
