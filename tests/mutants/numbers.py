"""Change a number as it is written: a whole one by one, another by a tenth."""

import ast


def changed_numbers(text: str) -> list[str]:
    """Return what may stand in the place of a number; nothing if the text is no number of Python or C."""
    try:
        value = ast.literal_eval(text.rstrip("uUlL") if text[:2].lower() != "0x" else text.rstrip("uUL"))
    except (ValueError, SyntaxError):
        return []
    if isinstance(value, int):
        return [str(value + 1), *([str(value - 1)] if value else [])]
    return [repr(value * 1.1 if value else 1.0)] if isinstance(value, float) else []
