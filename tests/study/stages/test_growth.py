"""A million questions x 8 samples are voted, labeled, judged and graded within 1 GB, by what two sizes need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SIZES = (2_000, 22_000)
MILLION, GIGABYTE = 1_000_000, 1e9


@pytest.mark.slow
def test_memory_for_a_million_questions_stays_below_a_gigabyte(tmp_path: Path) -> None:
    peaks: list[dict[str, int]] = []
    for size in SIZES:
        out = tmp_path / f"{size}.json"
        command = [sys.executable, str(ROOT / "benchmarks/growth.py"), "--questions", str(size), "--out", str(out)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append({row["stage"]: row["peak_bytes"] for row in json.loads(out.read_text())["rows"]})
    small, large = peaks
    for stage in small:
        one = max(0, large[stage] - small[stage]) / (SIZES[1] - SIZES[0])
        assert small[stage] + one * MILLION < GIGABYTE, f"{stage}: {one:.0f} bytes a question"
