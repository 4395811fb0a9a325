"""Seconds of a GRPO step with our rollouts beside stock TRL with transformers' generation, same settings, in one run.

    python benchmarks/grpo.py --scale lab|laptop-smoke [--model FILE.gguf] [--steps 12] [--rounds 3] [--prompts 8]
                              [--generations 8] [--cap 48] [--json FILE]

Both arms: float32, no gradient checkpointing, the same questions, group size, cap and loss; answers are drawn to the
end token. The arms take turns; the first two steps of a turn are not counted, medians of all others are. A rollout is
what makes the answers' tokens, weights joined anew included; reading and rewarding them is the step's. ``ceiling`` is
how much faster stock's step would be if answers cost nothing. Ends with one JSON line. Nothing else should run at the
same time.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import datasets  # noqa: E402
import torch  # noqa: E402
from transformers import TrainerCallback  # noqa: E402
from trl import GRPOConfig, GRPOTrainer  # noqa: E402

from noisy_student import files  # noqa: E402
from noisy_student.answers.equivalence import same  # noqa: E402
from noisy_student.answers.extract import read  # noqa: E402
from noisy_student.context import Context  # noqa: E402
from noisy_student.data.parts import parts  # noqa: E402
from noisy_student.data.spec import DataSpec, SourceSpec  # noqa: E402
from noisy_student.labeling.vote import winner_of  # noqa: E402
from noisy_student.models import lab  # noqa: E402
from noisy_student.models.chat import Renderer  # noqa: E402
from noisy_student.models.load import LoadedModel, load  # noqa: E402
from noisy_student.records import Answer, Draw, Label  # noqa: E402
from noisy_student.study.settings.files import Request, resolve  # noqa: E402
from noisy_student.study.stages.train_grpo import draw_rows  # noqa: E402
from noisy_student.training.grpo.rollouts import RolloutInputs  # noqa: E402
from noisy_student.training.grpo.train import train  # noqa: E402
from noisy_student.training.specs.grpo import GrpoSpec  # noqa: E402
from noisy_student.training.specs.health import HealthSpec

SKIPPED = 2
"""Steps that warm up."""


@dataclass
class Seen:
    """What an arm's steps took, in seconds, and how long answers were, in tokens."""

    rollouts: list[float]
    steps: list[float]
    lengths: list[float]

    def add(self, other: Seen) -> Seen:
        """Both turns' steps."""
        return Seen(self.rollouts + other.rollouts, self.steps + other.steps, self.lengths + other.lengths)

    @property
    def row(self) -> dict[str, float]:
        """Medians, and the mean length."""
        return {
            "rollout_seconds": statistics.median(self.rollouts),
            "step_seconds": statistics.median(self.steps),
            "mean_length": statistics.mean(self.lengths),
        }


class Steps(TrainerCallback):
    """The seconds of every step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._start = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock."""
        self._start = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop it."""
        self.seconds.append(time.monotonic() - self._start)


class Stock(GRPOTrainer):
    """TRL as it is, with a clock around its generation."""

    generated: list[float]
    lengths: list[float]

    def _generate(self, prompts: list[Any]) -> Any:
        start = time.monotonic()
        output = super()._generate(prompts)
        self.generated.append(time.monotonic() - start)
        self.lengths.append(statistics.mean(map(len, output[1])))
        return output


class Bench:
    """Questions, labels and prompts of the scale."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given = given
        self.settings = resolve(Request(scale=given.scale))
        source = self.settings.data.source if given.scale == "lab" else SourceSpec(kind="procedural", steps=(1, 2))
        count = given.steps * given.prompts
        split = parts(DataSpec(labeled=20, unlabeled=count, test=20, source=source), run_seed=1, paths={})
        self.items = split.unlabeled
        self.spec = GrpoSpec(
            prompts=given.prompts,
            generations=given.generations,
            max_new_tokens=given.cap,
            temperature=1.0,
            learning_rate=1e-6,
            threads=self.settings.compute.threads,
        )

    def load(self) -> LoadedModel:
        """The start model, anew."""
        folder = lab.folder("lab-m") if self.given.scale == "lab" else self.given.model
        return load(folder, threads=self.spec.threads)

    def ours(self, folder: Path) -> Seen:
        """Our trainer and rollouts."""
        loaded = self.load()
        renderer = Renderer(loaded.tokenizer, self.settings.prompt)
        draw = draw_rows(loaded, renderer.decode, self.spec, width=self.settings.compute.width)
        seconds: list[float] = []

        def timed(*given: Any) -> list[list[Draw]]:
            start = time.monotonic()
            drawn = draw(*given)
            seconds.append(time.monotonic() - start)
            return drawn

        inputs = RolloutInputs(
            prompts={item.question.id: renderer.encode(item.question) for item in self.items},
            labels={item.question.id: Label(item.question.id, str(item.answer), None, "gold") for item in self.items},
            draw=timed,
            decode=renderer.decode,
            revote=winner_of,
        )
        result = train(loaded, inputs, spec=self.spec, health=HealthSpec(), seed=1, context=Context(folder))
        ends = [point.seconds for point in result.curve]
        steps = [late - early for early, late in zip(ends, ends[1:], strict=False)][SKIPPED - 1 :]
        return Seen(seconds[SKIPPED:], steps, [fact["mean_length"] for fact in result.facts[SKIPPED:]])

    def stock(self, folder: Path) -> Seen:
        """TRL with transformers' generation, on the same prompts as text."""
        loaded = self.load()
        renderer = Renderer(loaded.tokenizer, self.settings.prompt)
        truths = {}
        for item in self.items:
            text = str(loaded.tokenizer.decode(renderer.encode(item.question)))
            assert loaded.tokenizer.encode(text, add_special_tokens=False) == renderer.encode(item.question)
            truths[text] = str(item.answer)
        clock, spec = Steps(), self.spec

        def reward(prompts: list[str], completions: list[str], **_: Any) -> list[float]:
            found = [read(text, "eos") for text in completions]
            return [
                float(isinstance(answer, Answer) and same(answer.canonical, truths[prompt]))
                for prompt, answer in zip(prompts, found, strict=True)
            ]

        config = GRPOConfig(
            output_dir=str(folder),
            max_steps=self.given.steps,
            per_device_train_batch_size=spec.batch,
            num_generations=spec.generations,
            max_completion_length=spec.max_new_tokens,
            temperature=spec.temperature,
            learning_rate=spec.learning_rate,
            loss_type=spec.loss_type,
            bf16=False,
            activation_checkpointing=False,
            use_cpu=True,
            dataloader_pin_memory=False,
            logging_steps=1,
            disable_tqdm=True,
            report_to="none",
            save_strategy="no",
        )
        trainer = Stock(
            model=loaded.model,
            reward_funcs=[reward],
            args=config,
            train_dataset=datasets.Dataset.from_dict({"prompt": list(truths)}),
            processing_class=loaded.tokenizer,
            callbacks=[clock],
        )
        trainer.generated, trainer.lengths = [], []
        trainer.train()
        return Seen(trainer.generated[SKIPPED:], clock.seconds[SKIPPED:], trainer.lengths[SKIPPED:])


def main() -> None:
    """Run both arms and print the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=("lab", "laptop-smoke"), required=True)
    parser.add_argument("--model", default="/tmp/models/smollm2.gguf", help="of laptop-smoke")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prompts", type=int, default=8)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument("--cap", type=int, default=48)
    parser.add_argument("--json", type=Path)
    bench = Bench(parser.parse_args())
    found: dict[str, Any] = {
        "scale": bench.given.scale,
        "model": lab.folder("lab-m").name if bench.given.scale == "lab" else Path(bench.given.model).name,
        "threads": bench.spec.threads,
        "rounds": bench.given.rounds,
        "steps": bench.given.steps,
        "spec": bench.spec.model_dump(),
    }
    with tempfile.TemporaryDirectory() as place, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        seen: dict[str, Seen] = {}
        for turn in range(bench.given.rounds):
            for name, arm in (("ours", bench.ours), ("stock", bench.stock)):
                folder = Path(place) / f"{name}-{turn}"
                folder.mkdir()
                here = arm(folder)
                print(f"{name}, turn {turn}: {here.row}", file=sys.stderr, flush=True)
                seen[name] = here if name not in seen else seen[name].add(here)
        found |= {name: arm.row for name, arm in seen.items()}
    ours, stock = found["ours"], found["stock"]
    rest = stock["step_seconds"] - stock["rollout_seconds"]
    found |= {
        "rollout_ratio": round(stock["rollout_seconds"] / ours["rollout_seconds"], 2),
        "step_ratio": round(stock["step_seconds"] / ours["step_seconds"], 2),
        "ceiling": round(stock["step_seconds"] / rest, 2),
        "torch": torch.__version__,
    }
    if bench.given.json is not None:
        files.write_json(bench.given.json, json.loads(json.dumps(found)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
