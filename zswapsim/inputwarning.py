"""Define the warning that a file was read, but not all of it."""


class InputWarning(UserWarning):
    """An input was read, but not all of it. The message names the file, and what was left out."""


InputWarning.__module__ = "zswapsim"  # from which users import it
