VERSION_SYMBOLS: frozenset[str]

class Library:
    """Opens a shared object and looks up every one of `symbols`; OSError where that fails. Never closed."""

    symbols: tuple[str, ...]
    path: str
    version: str
    def __new__(cls, path: str, symbols: tuple[str, ...], version_symbol: str = ...) -> Library: ...
