"""Draw whole runs from a seed, and replay each in the core and in the reference side by side."""
