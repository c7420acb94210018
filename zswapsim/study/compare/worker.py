"""Be a worker: read functions and their arguments from standard input, and write what they return or raise."""

import ctypes
import os
import pickle
import sys
from signal import SIGKILL
from typing import IO

from zswapsim._core.base.errors import ZswapsimError

PR_SET_PDEATHSIG = 1  # include/uapi/linux/prctl.h


def main() -> None:
    """Answer until standard input ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGKILL)
    answers = os.fdopen(os.dup(1), "wb")  # files: a pipe
    os.dup2(2, 1)  # what a plug-in prints is no answer
    serve(sys.stdin.buffer, answers)


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer each request with True and a result, or False and an exception."""
    while True:
        try:
            function, arguments = pickle.load(requests)  # noqa: S301  # our parent wrote it
        except EOFError:
            return
        try:
            answer = pickle.dumps((True, function(*arguments)))
        except Exception as error:
            answer = pickle.dumps((False, _sendable(error)))
        answers.write(answer)
        answers.flush()


def _sendable(error: Exception) -> Exception:
    """Return the exception itself if the parent can read it, else one of ours with its text."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301  # made a moment ago
    except Exception:
        return ZswapsimError(f"{type(error).__name__}: {error}")
    return error
