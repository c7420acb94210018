"""Provide what every other wing needs: errors, memory, pages, reductions of arrays, the clock, histograms."""
