from collections.abc import Callable
from typing import Any, NamedTuple, final

from typing_extensions import Buffer

from zswapsim._core.library import Library
