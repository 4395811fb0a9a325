"""Rollouts: answers to a step's questions from the current model, for TRL's ``rollout_func``.

TRL passes each prompt once for every answer and no other column, so a prompt is a question's id, and the columns that
rewards need are returned beside the tokens. A row's seed depends on run, question, answer and step alone, so a resumed
run draws the answers of an uninterrupted one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from transformers import PreTrainedModel

from noisy_student import seeds
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import read
from noisy_student.errors import NotTrainable
from noisy_student.records import Answer, Draw, Kind, Label
from noisy_student.training.grpo.rewards import counted_right
from noisy_student.training.grpo.rl_examples import advantage_weight
from noisy_student.training.measurements import Group, ends, leading_share_of_all, most_common
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.rewards import AnswerGroup

DrawRows = Callable[
    [PreTrainedModel, Sequence[Sequence[int]], Sequence[Sequence[int]], Callable[[], None]], list[list[Draw]]
]
"""Function of a model, prompts, the seeds of each, and a check that may raise; returns a list of draws a prompt."""
Revote = Callable[[Sequence[str | None]], str | None]
"""Function of the answers of a group; returns its winner or None."""


@dataclass(frozen=True, slots=True)
class RolloutInputs:
    """Inputs of rollouts: prompts by question id, labels, and the functions that draw, decode and vote."""

    prompts: Mapping[str, Sequence[int]]
    labels: Mapping[str, Label]
    draw: DrawRows
    decode: Callable[[Sequence[int]], str]
    revote: Revote
    truncated: Literal["abstain", "last-number"] = "abstain"
    """Reading of an answer that hit the cap."""
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    """Kinds of the questions whose answer is not a number."""
    dev: Mapping[str, str] = field(default_factory=dict)
    """True answers to held-out questions, for the accuracy at health checks."""
    unreadable_gold: int = 0
    """Gold labels left out because no answer can be compared with them."""


@dataclass(slots=True)
class _Answered:
    """One group: its question, draws, texts, answers, and which of them count as right by the kind of reward."""

    question_id: str
    label: str | None
    draws: list[Draw]
    texts: list[str]
    answers: list[str | None]
    right: list[bool]


@dataclass(slots=True)
class Rollouts:
    """Rollout function of the trainer, called once a step; ``step`` counts the calls of the whole run."""

    inputs: RolloutInputs
    spec: GrpoSpec
    run_seed: int
    check: Callable[[], None]
    step: int = 0
    groups: list[Group] = field(default_factory=list)
    """Every group so far, in order, without those that a refill replaced."""
    facts: list[dict[str, Any]] = field(default_factory=list)
    """A row a step: tokens, ends of texts, seconds, refilled groups."""

    def __call__(self, prompts: Sequence[str], trainer: Any) -> dict[str, list[Any]]:
        """Return the rollouts of ``prompts``, each of which stands ``generations`` times in a row."""
        started = time.monotonic()
        wanted = list(prompts[:: self.spec.generations])
        assert list(prompts) == [name for name in wanted for _ in range(self.spec.generations)]
        model = trainer.accelerator.unwrap_model(trainer.model)
        answered = self._answer(model, wanted)
        drawn = list(answered)
        for _ in range(self.spec.refill):
            flat = [place for place, group in enumerate(answered) if len(set(group.right)) == 1]
            # Questions that this step has not used, in an order that depends on the step.
            fresh = sorted(self.inputs.labels.keys() - {group.question_id for group in drawn})
            seeds.generator(self.run_seed, "refill", step=self.step).shuffle(fresh)
            if not flat or not fresh:
                break
            more = self._answer(model, fresh[: len(flat)])
            drawn += more
            for place, group in zip(flat, more, strict=False):
                answered[place] = group
        self._require_ends(answered)
        self._keep(answered, drawn, time.monotonic() - started)
        return self._output(answered)

    def on_dev(self, model: PreTrainedModel) -> dict[str, Any]:
        """Return whether each dev question is answered correctly, and the share of the most common true answer.

        The seeds are the same at every check, so only the model differs.
        """
        dev = self.inputs.dev
        row_seeds = [[seeds.seed(self.run_seed, "health-dev", name)] for name in dev]
        drawn = self.inputs.draw(model, [self.inputs.prompts[name] for name in dev], row_seeds, self.check)
        found = [self._read(name, draws)[1][0] for name, draws in zip(dev, drawn, strict=True)]
        pairs = zip(dev.values(), found, strict=True)
        right = [answer is not None and same(answer.canonical, true) for true, answer in pairs]
        return {"dev": right, "dev_leading": leading_share_of_all(dev.values())}

    def _answer(self, model: PreTrainedModel, names: Sequence[str]) -> list[_Answered]:
        row_seeds, reward_seeds, before = [], [], dict.fromkeys(names, 0)
        for name in names:
            # A question that occurs twice in a batch gets other answers the second time.
            ks = range(before[name], before[name] + self.spec.generations)
            row_seeds.append([seeds.seed(self.run_seed, "rollout", name, k=k, step=self.step) for k in ks])
            reward_seeds.append([seeds.seed(self.run_seed, "random-reward", name, k=k, step=self.step) for k in ks])
            before[name] = ks.stop
        drawn = self.inputs.draw(model, [self.inputs.prompts[name] for name in names], row_seeds, self.check)
        return [self._judge(*group) for group in zip(names, drawn, reward_seeds, strict=True)]

    def _judge(self, name: str, draws: list[Draw], reward_seeds: Sequence[int]) -> _Answered:
        if any(draw.finish == "failed" for draw in draws):
            raise NotTrainable(
                f"The model's logits on {name} are NaN at step {self.step}.",
                why="Its weights are unusable from this step on.",
                do="Lower grpo.learning_rate.",
                code="training-diverged",
            )
        texts, found = self._read(name, draws)
        answers = [None if answer is None else answer.canonical for answer in found]
        stored = self.inputs.labels[name]
        online = self.spec.online_votes and stored.origin == "vote"
        label = self.inputs.revote(answers) if online else stored.answer
        right = counted_right(self.spec.rewards, AnswerGroup(name, texts, found, label, reward_seeds))
        return _Answered(name, label, draws, texts, answers, right)

    def _read(self, name: str, draws: Sequence[Draw]) -> tuple[list[str], list[Answer | None]]:
        kind = self.inputs.kinds.get(name, "number")
        texts = [self.inputs.decode(draw.token_ids) for draw in draws]
        cut = self.inputs.truncated
        found = (read(text, draw.finish, truncated=cut, kind=kind) for text, draw in zip(texts, draws, strict=True))
        return texts, [answer if isinstance(answer, Answer) else None for answer in found]

    def _require_ends(self, answered: Sequence[_Answered]) -> None:
        draws = [draw for group in answered for draw in group.draws]
        if self.spec.mask_truncated and not any(draw.finish == "eos" for draw in draws):
            raise NotTrainable(
                f"None of {len(draws)} answers ended before {self.spec.max_new_tokens} tokens (step {self.step}).",
                why="grpo.mask_truncated leaves cut answers out of the loss, so nothing would be learned.",
                do="Raise grpo.max_new_tokens, or set grpo.mask_truncated = false.",
                code="answers-never-end",
            )

    def _keep(self, answered: Sequence[_Answered], drawn: Sequence[_Answered], seconds: float) -> None:
        for group in answered:
            label = self.inputs.labels[group.question_id]
            counts = len(group.right), sum(group.right), most_common(group.answers)
            self.groups.append(Group(self.step, group.question_id, label.origin, group.label, *counts))
        draws = [draw for group in answered for draw in group.draws]
        self.facts.append(
            {
                "step": self.step,
                "prompt_tokens": sum(len(self.inputs.prompts[group.question_id]) for group in drawn),
                "sampled_tokens": sum(len(draw.token_ids) for group in drawn for draw in group.draws),
                "trained_tokens": self.spec.num_iterations
                * sum(len(draw.token_ids) for draw in draws if draw.finish == "eos" or not self.spec.mask_truncated),
                "replaced": len(drawn) - len(answered),
                "right": sum(sum(group.right) for group in answered) / len(draws),
                "mixed": sum(len(set(group.right)) > 1 for group in answered) / len(answered),
                "readable": sum(answer is not None for group in answered for answer in group.answers) / len(draws),
                **ends(draws),
                "seconds": seconds,
            }
        )
        self.step += 1

    def _output(self, answered: Sequence[_Answered]) -> dict[str, list[Any]]:
        rows = [(group, index) for group in answered for index in range(len(group.draws))]
        return {
            "prompt_ids": [list(self.inputs.prompts[group.question_id]) for group, _ in rows],
            "completion_ids": [list(group.draws[index].token_ids) for group, index in rows],
            "logprobs": [list(group.draws[index].logprobs) for group, index in rows],
            "question_id": [group.question_id for group, _ in rows],
            "finish": [group.draws[index].finish for group, index in rows],
            "text": [group.texts[index] for group, index in rows],
            "right": [group.right[index] for group, index in rows],
            "weight": [advantage_weight(self.inputs.labels[group.question_id], self.spec) for group, _ in rows],
        }
