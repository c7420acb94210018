"""Read traces: records, lines, and maps from page numbers to dense numbers."""
