"""What the checks at a training cost: ``python benchmarks/health.py [--runs 3] [--out results/health.json]``.

A whole GRPO run of the lab (500 gold labels, 63 steps of 8 x 8) with the checks as they are by default. Everything that
is there for them alone is timed where it is called: the facts of every step, rewards within groups, the divergence at
every tenth step, dev questions and rules at every check. Their seconds are shown as a share of all seconds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.parts import parts
from noisy_student.labeling.vote import winner_of
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.records import Label
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages.train_grpo import draw_rows
from noisy_student.training.grpo import rollouts
from noisy_student.training.grpo.rollouts import RolloutInputs
from noisy_student.training.grpo.train import train
from noisy_student.training.grpo.trainer import KlToStart
from noisy_student.training.health.checkup import Checkup

PLACES: tuple[tuple[str, Any, str], ...] = (
    ("facts of a step", rollouts, "ends"),
    ("divergence", KlToStart, "nats"),
    ("start and copies", Checkup, "__init__"),
    ("dev before the first step", Checkup, "begin"),
    ("checks", Checkup, "check"),
)
"""Whatever is there for the checks: what it is called here, and where it is called."""


def main() -> None:
    """Run, print a line a run and the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    spent: dict[str, float] = {}
    for name, owner, attribute in PLACES:
        setattr(owner, attribute, clocked(getattr(owner, attribute), name, spent))
    shares = []
    for seed in range(1, given.runs + 1):
        spent.clear()
        start = time.monotonic()
        steps, found = run(seed)
        seconds = time.monotonic() - start
        parted = {name: value / seconds for name, value in sorted(spent.items())}
        shares.append({"seed": seed, "steps": steps, "seconds": seconds, "found": found, **parted})
        shares[-1]["share"] = sum(parted.values())
        print(f"seed {seed}: {seconds:.1f} s, {steps} steps, found {found or 'nothing'};", end=" ")
        print(", ".join(f"{name} {100 * value:.2f} %" for name, value in parted.items()), end="; ")
        print(f"together {100 * shares[-1]['share']:.2f} %")
    print(f"median: {100 * statistics.median(row['share'] for row in shares):.2f} % of a run")
    if given.out is not None:
        files.write_json(given.out, shares)


def clocked(function: Callable[..., Any], name: str, spent: dict[str, float]) -> Callable[..., Any]:
    """The function, with its seconds added up under ``name``."""

    def timed(*args: Any, **how: Any) -> Any:
        start = time.monotonic()
        try:
            return function(*args, **how)
        finally:
            spent[name] = spent.get(name, 0.0) + time.monotonic() - start

    return timed


def run(seed: int) -> tuple[int, list[str]]:
    """One GRPO run on gold at the lab's settings; its steps and what its checks found."""
    settings = resolve(Request())
    split = parts(settings.data, run_seed=seed, paths={})
    loaded = load(lab.folder(settings.model.id))
    renderer = Renderer(loaded.tokenizer, settings.prompt)
    dev = split.dev[: settings.health.dev]
    inputs = RolloutInputs(
        prompts={item.question.id: renderer.encode(item.question) for item in (*split.labeled, *dev)},
        labels={item.question.id: Label(item.question.id, item.answer or "", None, "gold") for item in split.labeled},
        draw=draw_rows(loaded, renderer.decode, settings.grpo, width=settings.compute.width),
        decode=renderer.decode,
        revote=winner_of,
        dev={item.question.id: item.answer or "" for item in dev},
    )
    with tempfile.TemporaryDirectory() as folder:
        how: dict[str, Any] = {"spec": settings.grpo, "health": settings.health, "seed": seed}
        result = train(loaded, inputs, context=Context(Path(folder)), **how)
    return result.steps, [str(row["name"]) for row in result.health]


if __name__ == "__main__":
    main()
