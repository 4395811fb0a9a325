"""How far forecasts are off: studies in fresh stores, forecast from a calibration, then run; and again from the store.

    python benchmarks/forecast.py [--out results/forecast.json] [--of v1-5 "combined --limit 1200" "v2 --limit 1500"]

Each study gets a store of its own, is calibrated there and run: the first ratio is actual by forecast CPU time with
nothing but the calibration known. A second seed of it is then forecast from what the first has left in the store, and
run. Within 25 % of the forecast counts as held. CPU time bears other work on the machine better than wall time does.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STUDIES = ("v1-5", "combined --limit 1200", "v2 --limit 1500")
OFF = 0.25


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--of", nargs="+", default=list(STUDIES), help="words after noisy-student run")
    parser.add_argument("--once", action="store_true", help="leave out the second seed")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    rows = []
    for study in given.of:
        with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
            began = time.time()
            said(Path(folder), "plan", *shlex.split(study), "--calibrate", "--json")
            calibrated = time.time() - began
            for seed in (1,) if given.once else (1, 2):
                made = said(Path(folder), "run", *shlex.split(study), "--seeds", str(seed), "--json")
                rows.append(row(study, seed, made, calibrated if seed == 1 else None))
                print(words(rows[-1]), flush=True)
    found = {"schema": 1, "machine": platform.platform(), "cores": os.cpu_count(), "off": OFF, "runs": rows}
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(0 if all(each["held"] for each in rows) else 1)


def said(folder: Path, *words: str) -> dict[str, Any]:
    """What a command of the program prints as JSON, run in ``folder``."""
    done = subprocess.run(
        [sys.executable, "-m", "noisy_student", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{shlex.join(words)}:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def row(study: str, seed: int, made: dict[str, Any], calibrated: float | None) -> dict[str, Any]:
    """One run against its forecast."""
    kept = made["forecast"]
    return {
        "study": study,
        "seed": seed,
        "from": "calibration" if seed == 1 else "store",
        "calibration_seconds": None if calibrated is None else round(calibrated, 1),
        "wall_forecast": kept["wall_seconds"],
        "wall": made["seconds"],
        **{name: kept[name] for name in ("cpu_seconds", "actual_cpu_seconds", "ratio", "without_estimate", "stages")},
        "held": kept["without_estimate"] == 0 and abs(kept["ratio"] - 1) <= OFF,
    }


def words(each: dict[str, Any]) -> str:
    """One run in a line."""
    told = f"{each['study']}, seed {each['seed']}, from the {each['from']}: forecast {each['cpu_seconds']:.0f} s of CPU"
    return f"{told}, took {each['actual_cpu_seconds']:.0f} s: {each['ratio']:.2f}" + ("" if each["held"] else " MISSED")


if __name__ == "__main__":
    main()
