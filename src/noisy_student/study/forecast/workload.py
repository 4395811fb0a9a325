"""Workload of a planned step: the tokens, steps and examples that its summary is expected to hold.

It is estimated from the summaries of comparable steps (``history``): sampling is rows times the length of an answer,
training is visits of examples, or sampled answers, times their length. None without comparable steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from noisy_student.data.parts import sizes_of
from noisy_student.data.spec import DataSpec
from noisy_student.data.splits import Sizes
from noisy_student.labeling.stopping import votes_needed
from noisy_student.sampling.engines import ENGINES
from noisy_student.study.forecast.history import Observation, Step, lane, trainer
from noisy_student.study.settings.methods import Method, of_stage

Summary = dict[str, Any]
Test = Callable[[Observation], bool]


class Expectation:
    """Expected summaries of steps, from those of the most similar steps that were observed."""

    def __init__(self, past: Sequence[Observation]) -> None:
        self._past = past

    def summary(self, step: Step) -> Summary | None:
        """Return the fields of the summary that determine the cost; {} for stages whose cost needs none."""
        if step.stage == "sample":
            return self._sample(step)
        method = of_stage(step.stage)
        return {} if method is None else self._training(step, *method)

    def _sample(self, step: Step) -> Summary | None:
        if ENGINES.get(step.spec["engine"]["name"]).replays:
            return {"samples": asked(step), "tokens": 0, "prompt_tokens": 0}
        first, end = step.spec["block"]
        like = [one for one in self._past if one.step.stage == "sample" and lane(one.step) == lane(step)]
        prompt = _ratio(
            _nearest(like, [lambda one: one.step.spec["part"] == step.spec["part"], _any]),
            "prompt_tokens",
            lambda one: float(one.step.spec["block"][1] - one.step.spec["block"][0]),
        )
        length = self._length(step, like)
        if prompt is None or length is None:
            return None
        samples = asked(step) * self._drawn_share(step, like)
        return {
            "samples": round(samples),
            "tokens": round(samples * length),
            "prompt_tokens": round(prompt * (end - first)),
            "parameters": like[0].summary.get("parameters"),
        }

    def _length(self, step: Step, like: Sequence[Observation]) -> float | None:
        """The mean tokens of an answer.

        A student of a timing has hardly learned, so its answers do not predict those of a real one. These are taken to
        be as long as the texts that it learns from, or after GRPO as those of the untrained model.
        """
        train = trainer(step)

        def kin(one: Observation) -> bool:
            other = trainer(one.step)
            if train is None or other is None:
                return train is other
            return not one.from_timing and other.stage == train.stage

        def twin(one: Observation) -> bool:
            other = trainer(one.step)
            return kin(one) and (other is None or train is None or sources(other) == sources(train))

        def alike(one: Observation) -> bool:
            return _decoding(one.step) == _decoding(step)

        def part(one: Observation) -> bool:
            return bool(one.step.spec["part"] == step.spec["part"])

        tests: list[Test] = [
            lambda one: twin(one) and alike(one) and part(one),
            lambda one: twin(one) and alike(one),
            lambda one: kin(one) and alike(one),
        ]
        found = _nearest(like, tests)
        method = None if found or train is None else of_stage(train.stage)
        if train is not None and method is not None and method[1].reads_texts:
            target = _per_visit(self._like(train, *method), "trained_tokens", *method)
            if target is not None:
                return target
        if not found:
            untrained = [one for one in like if trainer(one.step) is None]
            found = _nearest([one for one in like if kin(one)] or untrained or like, [alike, _any])
        return _ratio(found, "tokens", lambda one: float(one.summary["samples"]))

    def _drawn_share(self, step: Step, like: Sequence[Observation]) -> float:
        """The share of K that a stopping rule draws; 1 without an observation of the rule."""
        rule = step.spec.get("stopping")
        if rule is None:
            return 1.0
        same = [one for one in like if one.step.spec.get("stopping") == rule]
        test: Test = lambda one: one.step.spec["shard"] == step.spec["shard"]  # noqa: E731
        return _ratio(_nearest(same, [test, _any]), "samples", lambda one: float(asked(one.step))) or 1.0

    def _training(self, step: Step, name: str, method: Method) -> Summary | None:
        """The visits of examples, or sampled answers, times the tokens of one."""
        work, spec = method.work, step.spec[name]
        assert work is not None, "trainings have a cost"
        examples = self._examples(step.inputs["examples"][0] if method.reads_texts else step)
        steps, like = work.steps(spec, examples), self._like(step, name, method)
        if steps is None or not like:
            return None
        visits = work.visits(spec, steps, examples or 0.0)
        means = {counted: _per_visit(like, counted, name, method) or 0.0 for counted in work.counted}
        return {
            "steps": steps,
            **{counted: round(mean * visits) for counted, mean in means.items()},
            **self._parameters(step),
        }

    def _like(self, step: Step, name: str, method: Method) -> list[Observation]:
        """The trainings nearest to a planned one: with the same kinds of texts and like settings, if there are any."""
        past = [one for one in self._past if one.step.stage == method.stage and name in one.step.spec]
        like = [one for one in past if lane(one.step) == lane(step)]
        fields = () if method.work is None else method.work.alike

        def alike(one: Observation) -> bool:
            same = all(one.step.spec[name][field] == step.spec[name][field] for field in fields)
            return same and (not method.reads_texts or sources(one.step) == sources(step))

        return _nearest(like, [alike, _any])

    def _parameters(self, step: Step) -> Summary:
        like = [one for one in self._past if lane(one.step) == lane(step)]
        names = ("parameters", "trainable_parameters")
        return {name: like[0].summary[name] for name in names if like and name in like[0].summary}

    def _examples(self, step: Step) -> float | None:
        """Questions that a student learns from, over its ``gold`` and ``labels``."""
        gold = [_sizes(split) for split in step.inputs.get("gold", ())]
        counts: list[float | None] = [float(sizes.labeled - sizes.dev) for sizes in gold]
        counts += [self._labels(node) for node in step.inputs.get("labels", ())]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _labels(self, step: Step) -> float | None:
        """Questions that get a label: of votes, the share that a similar vote selected."""
        if step.stage == "reveal":
            share = self._solved_share() if "samples" in step.inputs else 1.0
            return None if share is None else share * _sizes(step.inputs["split"][0]).unlabeled
        if "like" in step.inputs:
            return self._labels(step.inputs["like"][0])
        if "votes" not in step.inputs:
            return float(_questions(step.inputs["samples"]))
        vote = step.inputs["votes"][0]
        questions = vote.spec.get("questions") or _questions(vote.inputs["samples"])
        rule = step.spec["select"]
        for name in ("count", "random_count"):
            if name in rule:
                return float(rule[name])
        share = self._coverage(vote, rule.get("min_agreement"))
        return None if share is None else share * float(questions)

    def _coverage(self, vote: Step, least: float | None) -> float | None:
        """The share of questions whose vote is selected, among votes of as many samples if there are any."""
        like = [one for one in self._past if one.step.stage == "vote"]
        tests: list[Test] = [
            lambda one: one.step.spec == vote.spec,
            lambda one: one.step.spec["K"] == vote.spec["K"],
            _any,
        ]
        if least is None:
            return _ratio(_nearest(like, tests), "labeled", lambda one: float(one.summary["questions"]))
        found = _nearest([one for one in like if one.summary["levels"]], tests)
        kept = sum(
            count
            for one in found
            for votes, count in one.summary["levels"]
            if votes >= votes_needed(least, one.step.spec["K"])
        )
        total = sum(one.summary["questions"] for one in found)
        return kept / total if total else None

    def _solved_share(self) -> float | None:
        """The share of questions with a right sample of the student's own; 1 without an observation."""
        seen = [one for one in self._past if one.step.stage == "reveal" and "samples" in one.step.inputs]
        whole: Test = lambda one: not one.from_timing  # noqa: E731
        found = [one for one in _nearest(seen, [whole, _any]) if one.step.inputs.get("split")]
        return _ratio(found, "questions", lambda one: float(_sizes(one.step.inputs["split"][0]).unlabeled)) or 1.0


def asked(step: Step) -> int:
    """Return the most samples that a step draws."""
    first, end = step.spec["block"]
    return int((end - first) * (step.spec["shard"]["end"] - step.spec["shard"]["first"]))


def sources(step: Step) -> tuple[str, ...]:
    """Return the kinds of labels that a training learns from."""
    given = step.inputs.get("examples", (step,))
    return tuple(sorted(set(given[0].inputs) & {"gold", "own", "labels"})) if given else ()


def size_of(step: Step) -> int:
    """Return the size of a step without a model: the questions that it divides, or the samples that it reads."""
    if "data" in step.spec:
        sizes = _sizes(step)
        return sizes.labeled + sizes.unlabeled + sizes.test
    return sum(asked(node) for nodes in step.inputs.values() for node in nodes if node.stage == "sample")


def _sizes(split: Step) -> Sizes:
    return sizes_of(DataSpec.model_validate(split.spec["data"]))


def _questions(samples: Iterable[Step]) -> int:
    return sum(end - first for first, end in {tuple(step.spec["block"]) for step in samples})


def _decoding(step: Step) -> tuple[Any, ...]:
    given = step.spec.get("decoding") or {}
    return tuple(given.get(name) for name in ("temperature", "max_new_tokens", "stop_at_answer"))


def _per_visit(past: Sequence[Observation], counted: str, name: str, method: Method) -> float | None:
    """Tokens of one visit of an example, or of one sampled answer, in past trainings."""

    def visits(one: Observation) -> float:
        assert method.work is not None, "trainings have a cost"
        return method.work.visits(one.step.spec[name], one.summary["steps"], one.summary.get("examples", 0))

    return _ratio(past, counted, visits)


def _any(one: Observation) -> bool:
    return True


def _nearest(past: Sequence[Observation], tests: Sequence[Test]) -> list[Observation]:
    """The observations that pass the first test which any of them passes; real ones before those of a timing."""
    for test in tests:
        passed = [one for one in past if test(one)]
        if passed:
            return [one for one in passed if not one.from_timing] or passed
    return []


def _ratio(past: Sequence[Observation], name: str, of: Callable[[Observation], float]) -> float | None:
    """The sum of what observations said under ``name`` by the sum of ``of``; None where there is nothing."""
    total = sum(of(one) for one in past)
    return sum(one.summary.get(name, 0) for one in past) / total if total else None
