"""Searches the readers of ``tests/fuzz/targets.py`` for faults, guided by the code that each input reaches.

    pip install atheris
    python benchmarks/fuzz_readers.py answers -max_total_time=600 [CORPUS]

libFuzzer's options and corpus folders follow the target's name. It ends at the first fault and writes the input that
made it; without one it ends when its time is over.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["noisy_student"]):
    from fuzz.targets import TARGETS, in_time

LONGEST_INPUT = 4096


def main(words: list[str]) -> None:
    """Search one target until its time is over."""
    if len(words) < 2 or words[1] not in TARGETS:
        raise SystemExit(f"usage: {words[0]} {{{','.join(TARGETS)}}} [-max_total_time=SECONDS] [CORPUS]")
    target = TARGETS[words[1]]
    atheris.Setup([words[0], f"-max_len={LONGEST_INPUT}", *words[2:]], lambda content: in_time(target, content))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
