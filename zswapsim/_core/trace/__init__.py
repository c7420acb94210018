"""Read traces: records, lines, and the numbers that stand for pages."""
