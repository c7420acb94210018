"""Compare the page store and the reclaimers with those of the running kernel."""
