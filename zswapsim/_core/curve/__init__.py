"""Measure stack distances, exactly and of a sample."""
