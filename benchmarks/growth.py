"""How memory grows: N questions x K samples voted, labeled and graded by the stages of a study, each in a process.

    python benchmarks/growth.py [--questions 1000000] [--k 8] [--folder FOLDER] [--out results/growth.json]

The samples are written first (about 3 GB for a million questions x 8). Seconds and the largest memory held are those
of each stage's own process.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student.context import Context
from noisy_student.records import Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study.stages import grade, label, label_quality, vote

LIMIT = 1e9
"""Bytes that each stage may hold (issue 3 of 7)."""
WORDS = "Tom has {0} apples and buys {1} more, so he has {0} + {1} = {2} apples.\nHe gives {3} away: {2} - {3} = {4}.\n"


def question_id(number: int) -> str:
    """An id as long as the real ones."""
    return f"{number:016x}"


def samples(questions: int, k: int) -> Iterator[Sample]:
    """Texts as long as the lab's, three of four of them right."""
    rng = random.Random(1)
    for number in range(questions):
        a, b, c = rng.randrange(20), rng.randrange(20), rng.randrange(10)
        for index in range(k):
            result = a + b - c + (rng.randrange(4) == 0) * rng.randrange(1, 4)
            text = f"{WORDS.format(a, b, a + b, c, result)}#### {result}"
            yield Sample(question_id(number), index, text, tuple(range(48)), "eos", -1.5, number)


def prepare(folder: Path, questions: int, k: int) -> None:
    """Samples and the key, on disk."""
    (folder / "samples").mkdir(parents=True)
    (folder / "key").mkdir()
    write_samples(folder / "samples/samples.jsonl", samples(questions, k))
    truths = (sample for sample in samples(questions, 1))
    with (folder / "key/key.jsonl").open("w") as file:
        for sample in truths:
            answer = sample.text.rpartition(" ")[2]
            entry = {"question_id": sample.question_id, "answer": answer, "solution": sample.text}
            file.write(json.dumps(entry) + "\n")


def stage(name: str, folder: Path, k: int) -> dict[str, Any]:
    """Run one stage here and say how long it took and how much memory this process has held."""
    common = {"truncated": "abstain", "ties": "none", "K": k, "seed": 1, "rule": "vote", "text": "first"}
    voted = [folder / "vote/data"]
    drawn, key = [folder / "samples"], [folder / "key"]
    work = {
        "vote": lambda context: vote.run(common, {"samples": drawn}, context),
        "label": lambda context: label.run(
            {**common, "select": {"min_agreement": 0.5}}, {"samples": drawn, "votes": voted}, context
        ),
        "label-all": lambda context: label.run(
            {**common, "select": {"all": True}}, {"samples": drawn, "votes": voted}, context
        ),
        "random-sample": lambda context: label.run({**common, "rule": "random-sample"}, {"samples": drawn}, context),
        "label-quality": lambda context: label_quality.run(common, {"votes": voted, "key": key}, context),
        "grade": lambda context: grade.run(common, {"samples": drawn, "key": key}, context),
    }
    (folder / name).mkdir()
    started = time.monotonic()
    work[name](Context(folder / name))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"stage": name, "seconds": round(time.monotonic() - started, 1), "peak_bytes": peak}


def measured(name: str, folder: Path, k: int) -> dict[str, Any]:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--stage", name, "--folder", str(folder), "--k", str(k)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def main() -> int:
    """Measure every stage; exit code 1 if one of them held more than the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1_000_000)
    parser.add_argument("--k", type=int, default=8)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--stage", default=None, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.stage:
        print(json.dumps(stage(given.stage, given.folder, given.k)))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="growth-", dir=given.folder))
    try:
        prepare(folder, given.questions, given.k)
        size = (folder / "samples/samples.jsonl").stat().st_size
        print(f"{given.questions:,} questions x {given.k}: {size / 1e9:.2f} GB of samples", flush=True)
        rows = []
        for name in ("vote", "label", "label-all", "random-sample", "label-quality", "grade"):
            rows.append(measured(name, folder, given.k))
            print(f"{name:<14} {rows[-1]['seconds']:>7.1f} s  {rows[-1]['peak_bytes'] / 1e9:.2f} GB", flush=True)
    finally:
        shutil.rmtree(folder)
    if given.out:
        given.out.write_text(json.dumps({"questions": given.questions, "k": given.k, "rows": rows}, indent=1) + "\n")
    return int(any(row["peak_bytes"] > LIMIT for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
