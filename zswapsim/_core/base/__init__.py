"""Hold what every other wing needs: errors, memory, the page, sums over arrays, the clock, histograms."""
