"""How long real input takes: ``python benchmarks/real_input.py --gsm8k FOLDER --gguf FILE [--out FILE.json]``.

GSM8K from disk to the splits of the plan, and a GGUF model into memory: the first time, when it is converted into an
empty cache, and again. Each is a process of its own; memory is its largest resident size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from noisy_student import files

_MEASURE = """
import resource, sys, time
started = time.perf_counter()
{work}
print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""
_SPLITS = """
from noisy_student.data.locate import locate
from noisy_student.data.parts import parts, paths_of
from noisy_student.data.spec import DataSpec, SourceSpec
spec = DataSpec(labeled=1000, unlabeled=4000, test=500, source=SourceSpec(kind="gsm8k", dataset={folder!r}))
parts(spec, run_seed=1, paths=paths_of(locate(spec.source)))
"""
_LOAD = """
from noisy_student.models.load import load
load({file!r}, threads=2)
"""


def main() -> None:
    """Measure, print a line each, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gsm8k", type=Path, required=True)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    splits, load = _SPLITS.format(folder=str(given.gsm8k)), _LOAD.format(file=str(given.gguf.resolve()))
    with tempfile.TemporaryDirectory() as cache:
        rows = [
            row("GSM8K from disk to splits (1,000 / 4,000 / 500), imports included", splits, "<= 5 s", cache),
            row(f"{given.gguf.name} into memory, first time (dequantised to float32)", load, "<= 60 s", cache),
            row("the same again, from the cache", load, "", cache),
        ]
    for entry in rows:
        print(f"{entry['what']}: {entry['measured']}  {entry['goal']}")
    if given.out is not None:
        files.write_json(given.out, json.loads(json.dumps(rows)))


def row(what: str, work: str, goal: str, cache: str) -> dict[str, str]:
    """One thing measured."""
    environment = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", "NOISY_STUDENT_CACHE": cache}
    command = [sys.executable, "-c", _MEASURE.format(work=work)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    seconds, peak = map(float, done.stdout.split()[-2:])
    return {"what": what, "measured": f"{seconds:.1f} s, {peak / 1e9:.1f} GB", "goal": goal}


if __name__ == "__main__":
    main()
