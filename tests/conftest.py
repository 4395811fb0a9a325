"""What every test stands on: a quiet, offline, one-threaded torch, properties that repeat in CI, and one whole run."""

from __future__ import annotations

import os

# Read once by the libraries when they are imported, so set before any test imports one. Two tests run side by
# side on two cores; more threads would only wait for each other.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest  # noqa: E402
from examples import ALL  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from workplace import SECRETS, Workplace  # noqa: E402

settings.register_profile(
    "project",
    deadline=None,  # a loaded machine is no fault of the code
    max_examples=ALL,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("fast", settings.get_profile("project"), max_examples=ALL // 3)
settings.load_profile("project")


def pytest_configure(config: pytest.Config) -> None:
    """Load the profile of fewer examples where slow tests are left out."""
    if "not slow" in config.option.markexpr:
        settings.load_profile("fast")


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A finished run, which tests copy and do not change; what it printed is in ``out.txt`` and ``err.txt``.

    It ran with secrets in its environment, none of which may be found in it again.
    """
    place = Workplace(tmp_path_factory.mktemp("reference"))
    done = place.complete(env=SECRETS)
    (place.folder / "out.txt").write_text(done.stdout)
    (place.folder / "err.txt").write_text(done.stderr)
    return place
