"""What stopping rules save: samples on the plan's histogram, samples and seconds in the lab with the engine's windows.

    python benchmarks/stopping.py [--questions 512] [--repeats 3] [--json results/stopping.json]

The plan's V1.5 gives the votes of the leading answer of 4,000 questions, not who had the others; so it is simulated at
both ends: all others of one rival, and all others different. In the lab the untrained model draws on one thread for
procedural questions, the rules take turns with the fixed K, medians count. Ends with one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from noisy_student import files, seeds  # noqa: E402
from noisy_student.answers.extract import read  # noqa: E402
from noisy_student.data.parts import parts  # noqa: E402
from noisy_student.labeling.stopping import Rule, beta, fixed, lossless, round_ends, tally_of  # noqa: E402
from noisy_student.models import lab  # noqa: E402
from noisy_student.models.chat import Renderer  # noqa: E402
from noisy_student.models.load import load  # noqa: E402
from noisy_student.records import Answer, Draw  # noqa: E402
from noisy_student.sampling.engine import Windows  # noqa: E402
from noisy_student.sampling.torch_engine import TorchEngine  # noqa: E402
from noisy_student.study.settings.files import Request, resolve  # noqa: E402

HISTOGRAM = {1: 597, 2: 936, 3: 648, 4: 475, 5: 363, 6: 305, 7: 287, 8: 389}
"""Votes for the leader of 8, and questions: V1.5 of the plan."""
CASES: dict[str, tuple[Rule, int, int]] = {
    "fixed 8": (fixed, 8, 1),
    "lossless 6 of 8": (lossless(6), 8, 1),
    "lossless 6 of 8, every 2": (lossless(6), 8, 2),
    "lossless 6 of 8, every 4": (lossless(6), 8, 4),
    "fixed 32": (fixed, 32, 1),
    "lossless 24 of 32": (lossless(24), 32, 1),
    "beta up to 32": (beta, 32, 1),
}
"""Rule, K, and samples between two looks."""
REPEATS = 20


def drawn_of(rule: Rule, answers: Sequence[str], ends: Sequence[int]) -> int:
    """How many samples the rule asks for."""
    K = len(answers)
    return next(end for end in ends if end == K or rule(tally_of(answers[:end]), end, K) != "go")


def simulated(*, one_rival: bool) -> float:
    """Mean samples of lossless at 6 of 8 on the histogram, over orders at random."""
    rng, total, count = random.Random(1), 0, 0
    ends = round_ends(lossless(6), 8)
    for votes, questions in HISTOGRAM.items():
        # A rival has no more votes than the leader; who is left over stands alone.
        others = ["b"] * min(votes, 8 - votes) if one_rival else []
        others += [f"c{number}" for number in range(8 - votes - len(others))]
        for _ in range(questions * REPEATS):
            answers = ["a"] * votes + others
            rng.shuffle(answers)
            total += drawn_of(lossless(6), answers, ends)
            count += 1
    return total / count


class Lab:
    """The lab's untrained model and its questions."""

    def __init__(self, questions: int) -> None:
        settings = resolve(Request())
        self._loaded = load(lab.folder("lab-m"), threads=1)
        self._renderer = Renderer(self._loaded.tokenizer, settings.prompt)
        self._decoding = settings.sampling
        data = settings.data.model_copy(update={"unlabeled": questions})
        asked = parts(data, run_seed=1, paths={}).unlabeled
        self._prompts = sorted((self._renderer.encode(item.question) for item in asked), key=len)
        self._engine = TorchEngine(
            self._loaded.model,
            stop_ids=self._loaded.stop_ids,
            pad_id=self._loaded.pad_id,
            decode=self._renderer.decode,
            width=settings.compute.width,
        )
        self._samples = settings.compute.chunk

    def draw(self, rule: Rule, K: int, step: int) -> tuple[int, float]:
        """Samples and seconds that the rule takes, in chunks as a stage makes them."""
        ends, drawn, start = round_ends(rule, K, step=step), 0, time.monotonic()
        size = max(1, self._samples // ends[0])
        for first in range(0, len(self._prompts), size):
            prompts = self._prompts[first : first + size]
            row_seeds = [
                [seeds.seed(1, "sample", str(first + row), k=k) for k in range(K)] for row in range(len(prompts))
            ]
            windows = None if rule is fixed else Windows(ends, self._go(rule, K))
            drawn += sum(map(len, self._engine.draw(prompts, row_seeds, self._decoding, windows)))
        return drawn, time.monotonic() - start

    def _go(self, rule: Rule, K: int) -> Callable[[int, Sequence[Draw]], bool]:
        """As the stage asks: each draw is read once."""
        known: dict[int, list[str | None]] = {}

        def go(prompt: int, draws: Sequence[Draw]) -> bool:
            answers = known.setdefault(prompt, [])
            for draw in draws[len(answers) :]:
                answer = read(self._renderer.decode(draw.token_ids), draw.finish, truncated="abstain")
                answers.append(answer.canonical if isinstance(answer, Answer) else None)
            return rule(tally_of(answers), len(answers), K) == "go"

        return go


def main() -> None:
    """Simulate, measure in turns, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    plan = {"one rival": simulated(one_rival=True), "all different": simulated(one_rival=False)}
    for name, mean in plan.items():
        print(f"the plan's histogram, {name}: {mean:.2f} of 8 samples, {1 - mean / 8:.1%} saved")
    bench, seconds, samples = Lab(given.questions), {name: [] for name in CASES}, {}
    for _ in range(given.repeats):
        for name, (rule, K, step) in CASES.items():
            samples[name], took = bench.draw(rule, K, step)
            seconds[name].append(took)
    table: dict[str, Any] = {}
    for name, (_, K, _) in CASES.items():
        took = statistics.median(seconds[name])
        full = statistics.median(seconds[f"fixed {K}"])
        row = {"samples": samples[name] / given.questions, "of": K, "seconds": took, "seconds_saved": 1 - took / full}
        table[name] = {**row, "samples_saved": 1 - row["samples"] / K}
        print(
            f"{name:<26} {row['samples']:6.2f} samples ({table[name]['samples_saved']:5.1%} saved) {took:6.1f} s"
            f" ({row['seconds_saved']:5.1%} saved)"
        )
    found = {"plan_histogram": plan, "lab": table, "questions": given.questions, "repeats": given.repeats}
    if given.json is not None:
        files.write_json(given.json, found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
