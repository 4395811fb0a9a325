"""One uninterrupted run that the tests of whole runs are measured by."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from workplace import Workplace  # noqa: E402


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A finished run, which tests copy and do not change; what it printed is in ``out.txt`` and ``err.txt``."""
    place = Workplace(tmp_path_factory.mktemp("reference"))
    done = place.complete()
    (place.folder / "out.txt").write_text(done.stdout)
    (place.folder / "err.txt").write_text(done.stderr)
    return place
