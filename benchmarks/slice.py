"""Measures the slice's numbers on this machine and prints them beside their goals.

    python benchmarks/slice.py [--out results/slice.json] [--skip-seeds] [--place FOLDER]

Runs ``combined`` on the lab from an empty store, again from the full one, with three seeds, ``--help``, and the vote
over a million questions beside a plain ``Counter`` per question. Nothing else should run at the same time. The runs
stay in FOLDER, which must be new; without it they are dropped.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from noisy_student import files, seeds
from noisy_student.labeling.vote import votes

QUESTIONS, K = 1_000_000, 8


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    what: str
    measured: str
    goal: str


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--skip-seeds", action="store_true")
    parser.add_argument("--place", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = given.place or Path(temporary) / "place"
        place.mkdir(parents=True)
        rows = [*command_rows(place, skip_seeds=given.skip_seeds), *vote_rows()]
    print(f"{platform.platform()}, {os.cpu_count()} cores")
    for row in rows:
        print(f"{row.what:<58} {row.measured:>28}   goal {row.goal}")
    if given.out is not None:
        files.write_json(given.out, [asdict(row) for row in rows])


def command_rows(folder: Path, *, skip_seeds: bool) -> Iterator[Row]:
    """Whole commands, as a user waits for them."""
    place = ["--store", f"{folder}/store", "--runs", f"{folder}/runs"]
    yield Row("`combined` on the lab, one seed, from nothing", timed("run", "combined", *place), "<= 360 s (180)")
    yield Row("the same again, all cached", timed("run", "combined", *place), "<= 3 s")
    if not skip_seeds:
        more = ["--store", f"{folder}/store-3", "--runs", f"{folder}/runs-3"]
        three = timed("run", "combined", "--seeds", "1,2,3", *more)
        yield Row("`--seeds 1,2,3`, from nothing", three, "<= 1,080 s (540)")
    helps = [seconds("--help") for _ in range(5)]
    yield Row("`--help` (median of 5)", f"{sorted(helps)[2]:.2f} s", "<= 0.3 s")


def vote_rows() -> Iterator[Row]:
    """The vote beside a peer that keeps a Counter a question, as voting scripts in the field do."""
    ours = separately(count_votes)
    theirs = separately(count_with_counters)
    yield Row(
        f"voting {QUESTIONS:,} questions x {K} answers",
        f"{ours[0]:.0f} s, {ours[1]:.2f} GB",
        "<= 60 s, <= 1 GB",
    )
    yield Row(
        "the same with a Counter a question (peer)",
        f"{theirs[0]:.0f} s, {theirs[1]:.2f} GB",
        f"ours: {ours[0] / theirs[0]:.1f} x time, {ours[1] / theirs[1]:.2f} x memory",
    )


def answers() -> Iterator[tuple[str, str | None]]:
    """Answers in an order that mixes the questions, k by k."""
    chance = seeds.generator(1, "benchmark-votes")
    for _ in range(K):
        for question in range(QUESTIONS):
            yield f"question-{question:07d}", str(chance.randrange(12))


def count_votes() -> int:
    """Ours: streamed rows in, streamed votes out."""
    return sum(vote.winner is not None for vote in votes(answers(), k=K))


def count_with_counters() -> int:
    """The peer: one Counter a question; ties go to whoever came first."""
    counters: dict[str, Counter[str | None]] = {}
    for question_id, answer in answers():
        counters.setdefault(question_id, Counter())[answer] += 1
    return sum(counter.most_common(1)[0][0] is not None for counter in counters.values())


def separately(work: Callable[[], int]) -> tuple[float, float]:
    """Seconds and peak gigabytes of ``work`` in a process of its own."""
    read, write = os.pipe()
    process = os.fork()
    if process == 0:
        started = time.monotonic()
        work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        os.write(write, f"{time.monotonic() - started} {peak}".encode())
        os._exit(0)
    os.waitpid(process, 0)
    took, peak = os.read(read, 100).decode().split()
    os.close(read)
    os.close(write)
    return float(took), float(peak)


def timed(*words: str) -> str:
    """How long a command took, for people."""
    return f"{seconds(*words):.1f} s"


def seconds(*words: str) -> float:
    """How long a command took; a failing command ends the benchmark with what it said."""
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-m", "noisy_student", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"noisy-student {' '.join(words)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return time.monotonic() - started


if __name__ == "__main__":
    main()
