VERSION_SYMBOLS: frozenset[str]

class Library:
    """Open a shared object, which is never closed, and look up each of `symbols`. Raises OSError if that fails."""

    symbols: tuple[str, ...]
    path: str
    version: str
    def __new__(cls, path: str, symbols: tuple[str, ...], version_symbol: str = ...) -> Library: ...
