"""Call one object from several threads at once, to see that all but one are refused."""

import threading
from collections.abc import Callable

from zswapsim import BusyError


def refusal_of_a_second_thread(call: Callable[[], object]) -> str:
    """Return the message with which a thread is refused while another one is in `call`."""
    refused: list[str] = []

    def repeat() -> None:
        while not refused:
            try:
                call()
            except BusyError as error:
                refused.append(str(error))

    threads = [threading.Thread(target=repeat) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return refused[0]
