from collections.abc import Callable
from typing import Any

class PythonCodec:
    """Hold the factory and settings of a Python codec: `factory(**settings)` makes the object of one context."""

    name: str
    factory: Callable[..., Any]
    settings: dict[str, int]
    def __new__(cls, name: str, factory: Callable[..., Any], settings: dict[str, int]) -> PythonCodec: ...

def describe_error(error: BaseException) -> str: ...
