"""Hold the version of the package, which modules below the package's root may import."""

__version__ = "0.1.0"
