"""What every test may use: hypothesis profiles and the folder of recorded traces."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No profile has a deadline: how long an example takes says more about the machine's other work than about the code.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **_common)
settings.register_profile("ci", **_common, derandomize=True, print_blob=True)
settings.register_profile("thorough", **_common, max_examples=2000, stateful_step_count=200)
settings.register_profile("sanitize", **_common, derandomize=True, max_examples=15, stateful_step_count=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell's background job ignores Ctrl-C, and so would the programs that tests send one.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def traces_dir() -> Path:
    """The folder of recorded traces; they are too large to lie in the tree."""
    folder = os.environ.get("ZSWAPSIM_TRACES") or Path(__file__).parents[2] / "shared" / "traces"
    if not Path(folder).is_dir():
        pytest.skip(f"no recorded traces in {folder}; name their folder in ZSWAPSIM_TRACES")
    return Path(folder)


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    """A running program with 8 MiB of pages to capture; not one that sanitizers give terabytes of address space."""
    code = "import sys; kept = bytes(range(256)) * 32768; print(flush=True); sys.stdin.read()"
    plain = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes, env=plain) as process:
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Let something happen once in the interval of an observation instead of waiting."""

    def install(happens: Callable[[], None]) -> None:
        pending = [happens]

        def sleep_until(*_: object) -> None:
            while pending:
                pending.pop()()

        monkeypatch.setattr(sys.modules["zswapsim.live.observe"], "_sleep_until", sleep_until)

    return install
