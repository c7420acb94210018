"""Set up what every test may use: hypothesis profiles, recorded traces and a running program."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from plugin_helpers import PLUGINS

from zswapsim import read_contents
from zswapsim.traces import Contents

# No profile has a deadline: the time of an example depends more on the machine's other work than on the code.
_common = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("default", **_common)
settings.register_profile("ci", **_common, derandomize=True, print_blob=True)
settings.register_profile("thorough", **_common, max_examples=2000, stateful_step_count=200)
settings.register_profile("sanitize", **_common, derandomize=True, max_examples=15, stateful_step_count=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A background job of a shell ignores Ctrl-C, and under nohup SIGHUP; so would the programs to which tests send one.
for _number, _handler in {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGTERM: signal.SIG_DFL,
}.items():
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)


@pytest.fixture(scope="session")
def traces_dir() -> Path:
    """Return the folder of recorded traces, which are too large for the repository."""
    folder = os.environ.get("ZSWAPSIM_TRACES") or Path(__file__).parents[2] / "shared" / "traces"
    if not Path(folder).is_dir():
        pytest.skip(f"no recorded traces in {folder}; name their folder in ZSWAPSIM_TRACES")
    return Path(folder)


@pytest.fixture
def program() -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with 8 MiB of pages to capture, without the sanitizers, which map terabytes of addresses."""
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


@pytest.fixture(scope="module")
def doubled() -> Contents:
    """Return 200 images of the recipe `mix`, each twice, with some of one word among them."""
    images = read_contents("recipe:mix,pages=200").images
    return Contents(np.concatenate([images, images]), "twice")


@pytest.fixture
def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Return a function that counts the calls of the codec `watched` so far, in any process."""
    calls = tmp_path / "calls"
    monkeypatch.syspath_prepend(PLUGINS / "watched_python")
    monkeypatch.setenv("WATCHED_LOG", str(calls))
    yield lambda: calls.stat().st_size if calls.exists() else 0
    sys.modules.pop("watched", None)
