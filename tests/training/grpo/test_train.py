"""GRPO on the lab's model: weights of advantages, one model everywhere, resuming, what stops a run."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from refusals import refused

from noisy_student import files, seeds
from noisy_student.context import Context
from noisy_student.data.parts import parts
from noisy_student.data.spec import DataSpec
from noisy_student.errors import NotTrainable, Paused
from noisy_student.labeling.vote import winner_of
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, load
from noisy_student.models.save import save
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Draw, Label
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.training.grpo import train as grpo
from noisy_student.training.grpo.rewards import counted_right
from noisy_student.training.grpo.rollouts import RolloutInputs
from noisy_student.training.grpo.train import GrpoResult, train
from noisy_student.training.grpo.trainer import config
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.rewards import AnswerGroup

SPEC = GrpoSpec(
    prompts=2, generations=4, max_new_tokens=40, learning_rate=1e-4, match="steps", steps=3, max_grad_norm=1e6
)
slow = pytest.mark.slow
SPLIT = parts(DataSpec(labeled=20, unlabeled=20, test=20), run_seed=1, paths={})
ASKED = SPLIT.unlabeled[:6]
HEALTH = HealthSpec()
Change = Callable[[list[list[Draw]]], list[list[Draw]]]


def classroom(
    loaded: LoadedModel, spec: GrpoSpec, *, origin: str = "gold", change: Change = lambda drawn: drawn
) -> RolloutInputs:
    """Six questions with their true answers as labels of this origin; ``change`` is done to what is drawn."""
    renderer = Renderer(loaded.tokenizer, PromptSpec(instruction="End with ####."))

    def draw(model: Any, prompts: Any, row_seeds: Any, check: Callable[[], None]) -> list[list[Draw]]:
        engine = TorchEngine(
            model, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, decode=renderer.decode, check=check, width=8
        )
        decoding = Decoding(temperature=spec.temperature, max_new_tokens=spec.max_new_tokens, stop_at_answer=False)
        return change(engine.draw(prompts, row_seeds, decoding))

    labels = {
        item.question.id: Label(item.question.id, item.answer or "", None, origin)  # type: ignore[arg-type]
        for item in ASKED
    }
    prompts = {item.question.id: renderer.encode(item.question) for item in ASKED}
    return RolloutInputs(prompts, labels, draw, renderer.decode, winner_of)


def run(
    folder: Path, spec: GrpoSpec = SPEC, *, context: Context | None = None, **how: Any
) -> tuple[LoadedModel, GrpoResult]:
    loaded = load(lab.folder("lab-m"))
    return loaded, train(
        loaded,
        classroom(loaded, spec, **how),
        spec=spec,
        health=HEALTH,
        seed=1,
        context=context or Context(folder),
    )


def weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in loaded.model.named_parameters()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, GrpoResult]:
    return run(tmp_path_factory.mktemp("whole"))


def test_a_run_says_what_it_did(whole: tuple[LoadedModel, GrpoResult]) -> None:
    loaded, result = whole
    assert (result.steps, len(result.groups), len(result.facts)) == (3, 6, 3)
    assert [point.step for point in result.curve] == [1, 2, 3]
    assert {group.question_id for group in result.groups} == {item.question.id for item in ASKED}
    for step, fact in enumerate(result.facts):
        assert fact["step"] == step
        assert 0 < fact["mismatch"] < 1e-3
        assert fact["trained_tokens"] == fact["sampled_tokens"]
        # A prompt is read for one to all four of its answers.
        assert fact["prompt_tokens"] < fact["read_tokens"] - fact["sampled_tokens"] <= 4 * fact["prompt_tokens"]
        assert ("scored_tokens" in fact) == (step == 0), "the start model is asked at every tenth step"
        right = [group.right for group in result.groups if group.step == step]
        assert fact["right"] == sum(right) / 8
    start = weights(load(lab.folder("lab-m")))
    assert any(not torch.equal(start[name], value) for name, value in weights(loaded).items())
    assert not loaded.model.training and "forward" not in loaded.model.__dict__


def test_a_tenth_of_the_weight_is_a_tenth_of_the_gradient(tmp_path: Path) -> None:
    norms = []
    for weight in (1.0, 0.1):
        spec = SPEC.model_copy(update={"pseudo_weight": weight, "steps": 1})
        _, result = run(tmp_path / str(weight), spec, origin="vote")
        norms.append(result.curve[0].grad_norm)
    assert norms[0] is not None and norms[1] is not None and norms[0] > 0
    assert norms[1] == pytest.approx(norms[0] / 10, rel=1e-4)
    _, gold = run(tmp_path / "gold", SPEC.model_copy(update={"pseudo_weight": 0.1, "steps": 1}), origin="gold")
    assert gold.curve[0].grad_norm == pytest.approx(norms[0], rel=1e-4)


@pytest.mark.parametrize(
    "loss",
    [
        "dr_grpo",
        "dapo",
        *(pytest.param(one, marks=slow) for one in ("grpo", "bnpo", "cispo", "sapo", "luspo", "vespo")),
    ],
)
def test_every_loss_of_trl_moves_the_model(loss: str, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"loss_type": loss, "steps": 1, "beta": 0.04 if loss == "dr_grpo" else 0.0}
    _, result = run(tmp_path, SPEC.model_copy(update=changes))
    assert result.curve[0].grad_norm and result.curve[0].grad_norm > 0
    assert (result.curve[0].kl is not None) == (loss == "dr_grpo")


class PausedAt(Context):
    """A context whose deadline comes once so many steps are done."""

    def __init__(self, folder: Path, step: int) -> None:
        super().__init__(folder)
        self._step, self._over = step, False

    def progress(self, done: float, total: float, unit: str = "") -> None:
        self._over = done >= self._step

    def check(self, ahead: float = 0.0) -> None:
        if self._over:
            raise Paused


@pytest.mark.parametrize(
    "changes",
    [
        {"refill": 1},
        *(pytest.param(one, marks=slow) for one in ({}, {"micro_batch": 4}, {"num_iterations": 2})),
    ],
)
@pytest.mark.slow
def test_a_run_that_was_paused_before_its_last_step_is_the_uninterrupted_one(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update=changes)
    cycle = spec.num_iterations
    loaded, result = run(tmp_path / "whole", spec)
    with pytest.raises(Paused):
        run(tmp_path / "cut", spec, context=PausedAt(tmp_path / "cut", 2 * cycle))
    again, resumed = run(tmp_path / "cut", spec)
    assert resumed.resumed_at_steps == (2 * cycle,)
    assert resumed.groups == result.groups
    assert any(group.kind == "mixed" for group in result.groups if group.step == 2)
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(loaded).items())
    drop = {"seconds"}
    assert [{k: v for k, v in fact.items() if k not in drop} for fact in resumed.facts] == [
        {k: v for k, v in fact.items() if k not in drop} for fact in result.facts
    ]


KILLED = """
import os, sys
sys.path[:0] = sys.argv[1:3]
from pathlib import Path
import test_train
from noisy_student.training import callback
callback.save_interval = lambda *seconds: 0.0
calls = []
def draw(drawn):
    calls.append(1)
    if len(calls) == 3:
        os._exit(9)
    return drawn
test_train.run(Path(sys.argv[3]), change=draw)
"""


@slow
def test_a_process_that_is_killed_in_the_last_step_loses_that_step_only(
    whole: tuple[LoadedModel, GrpoResult], tmp_path: Path
) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, str(here), str(here.parents[1]), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (9, "")
    again, result = run(tmp_path)
    assert result.resumed_at_steps == (2,)
    assert result.groups == whole[1].groups
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(whole[0]).items())


def test_a_half_written_state_is_dropped_and_the_run_begins_anew(
    whole: tuple[LoadedModel, GrpoResult], tmp_path: Path
) -> None:
    with pytest.raises(Paused):
        run(tmp_path, context=PausedAt(tmp_path, 2))
    (saved,) = (tmp_path / "scratch" / "grpo").glob("step-*.safetensors")
    saved.write_bytes(saved.read_bytes()[:-8])
    again, result = run(tmp_path)
    assert result.resumed_at_steps == ()
    assert all(torch.equal(value, weights(again)[name]) for name, value in weights(whole[0]).items())


def test_a_sampler_that_is_another_model_stops_the_run(tmp_path: Path) -> None:
    def off(drawn: list[list[Draw]]) -> list[list[Draw]]:
        return [
            [replace(draw, logprobs=(draw.logprobs[0] - 0.02, *draw.logprobs[1:])) for draw in draws] for draws in drawn
        ]

    with refused("template-mismatch", "0.02 nats", "step 0"):
        run(tmp_path, change=off)


def test_a_reference_that_is_another_model_stops_the_run(tmp_path: Path) -> None:
    other = load(lab.folder("lab-m"))
    with torch.no_grad():
        other.model.get_input_embeddings().weight.mul_(1.05)
    save(other, tmp_path / "other")
    loaded = load(lab.folder("lab-m"))
    loaded.model.config._name_or_path = str(tmp_path / "other")
    spec = SPEC.model_copy(update={"beta": 0.04})
    with refused("reference-differs", "reference model"):
        train(loaded, classroom(loaded, spec), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path / "run"))
    _, result = run(tmp_path / "same", spec)
    assert result.curve[0].kl is not None and abs(result.curve[0].kl) < 1e-6
    assert result.curve[-1].kl is not None and result.curve[-1].kl > 1e-5


def test_answers_that_are_no_numbers_stop_the_run(tmp_path: Path) -> None:
    def broken(drawn: list[list[Draw]]) -> list[list[Draw]]:
        return [[replace(draw, finish="failed") for draw in draws] for draws in drawn]

    with refused("training-diverged", "step 0") as caught:
        run(tmp_path, change=broken)
    assert isinstance(caught.value, NotTrainable)


def test_answers_that_never_end_are_refused_where_only_ended_ones_count(tmp_path: Path) -> None:
    def endless(drawn: list[list[Draw]]) -> list[list[Draw]]:
        return [[replace(draw, finish="length") for draw in draws] for draws in drawn]

    with refused("answers-never-end", "None of 8 answers") as caught:
        run(tmp_path, SPEC.model_copy(update={"mask_truncated": True}), change=endless)
    assert isinstance(caught.value, NotTrainable)


def test_stop_ids_that_the_model_does_not_have_are_refused(tmp_path: Path) -> None:
    loaded = load(lab.folder("lab-m"))
    wrong = replace(loaded, stop_ids=frozenset({10**6}))
    with refused("stop-ids-outside", "1000000"):
        train(wrong, classroom(loaded, SPEC), spec=SPEC, health=HEALTH, seed=1, context=Context(tmp_path))


@slow
def test_refilling_replaces_groups_of_one_reward(tmp_path: Path) -> None:
    never = {item.question.id for item in ASKED[:3]}

    def spoiled(loaded: LoadedModel, spec: GrpoSpec) -> RolloutInputs:
        inputs = classroom(loaded, spec)
        labels = {
            name: replace(label, answer="-987654") if name in never else label for name, label in inputs.labels.items()
        }
        return replace(inputs, labels=labels)

    counts = {}
    for refill in (0, 2):
        spec = SPEC.model_copy(update={"refill": refill, "steps": 6})
        loaded = load(lab.folder("lab-m"))
        result = train(
            loaded,
            spoiled(loaded, spec),
            spec=spec,
            health=HEALTH,
            seed=1,
            context=Context(tmp_path / str(refill)),
        )
        assert len(result.groups) == 12
        counts[refill] = sum(group.kind == "mixed" for group in result.groups)
        assert (sum(fact["replaced"] for fact in result.facts) > 0) == (refill > 0)
    assert counts[2] > counts[0]


def test_online_votes_label_pseudo_questions_by_their_own_answers(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"online_votes": True, "steps": 2})
    _, gold = run(tmp_path / "gold", spec, origin="gold")
    _, voted = run(tmp_path / "voted", spec, origin="vote")
    truths = {item.question.id: item.answer for item in ASKED}
    assert all(group.label == truths[group.question_id] for group in gold.groups)
    assert any(group.label != truths[group.question_id] for group in voted.groups)
    assert all(group.label is None or group.right >= 1 for group in voted.groups)


def test_curves_are_written_beside_the_data(tmp_path: Path) -> None:
    _, result = run(tmp_path, SPEC.model_copy(update={"steps": 1}))
    assert [row["step"] for row in files.read_jsonl(tmp_path / "curves" / "training.jsonl")] == [1]
    (row,) = files.read_jsonl(tmp_path / "curves" / "rollouts.jsonl")
    assert row == result.facts[0]


def test_a_micro_batch_of_cut_answers_alone_is_compared_with_nothing(tmp_path: Path) -> None:
    def first_cut(drawn: list[list[Draw]]) -> list[list[Draw]]:
        cut = [Draw(draw.token_ids[:-1], draw.logprobs[:-1], "length") for draw in drawn[0]]
        return [cut, *drawn[1:]]

    spec = SPEC.model_copy(update={"mask_truncated": True, "micro_batch": 4})
    _, result = run(tmp_path, spec, change=first_cut)
    for fact in result.facts:
        assert 0 < fact["mismatch"] < 1e-3
        assert fact["apart_tokens"] == fact["trained_tokens"] < fact["sampled_tokens"]


def test_rewards_are_what_trl_is_paid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen: list[list[float]] = []
    real = grpo.trl_reward

    def watched(name: str, reward: Any) -> Callable[..., list[float]]:
        function = real(name, reward)

        def values(*columns: Any, **named: Any) -> list[float]:
            seen.append(function(*columns, **named))
            return seen[-1]

        return values

    monkeypatch.setattr(grpo, "trl_reward", watched)
    rewards = {"termination": 0.1, "repetition": 0.1}
    spec = GrpoSpec.model_validate({**SPEC.model_dump(), "steps": 1, "rewards": rewards})
    _, result = run(tmp_path, spec)
    assert len(seen) == 3
    assert sum(seen[0]) == sum(group.right for group in result.groups)
    assert sum(seen[1]) == sum(seen[0]) * 1.0  # the lab's answers all end


def test_an_answer_that_was_cut_counts_as_the_protocol_says(tmp_path: Path) -> None:
    def cut(drawn: list[list[Draw]]) -> list[list[Draw]]:
        return [[Draw(draw.token_ids[:-1], draw.logprobs[:-1], "length") for draw in draws] for draws in drawn]

    spec = SPEC.model_copy(update={"steps": 1})
    shares = []
    for truncated in ("abstain", "last-number"):
        loaded = load(lab.folder("lab-m"))
        inputs = replace(classroom(loaded, spec, change=cut), truncated=truncated)  # type: ignore[arg-type]
        result = train(loaded, inputs, spec=spec, health=HEALTH, seed=1, context=Context(tmp_path / truncated))
        shares.append(sum(group.right for group in result.groups))
    assert shares[0] == 0 < shares[1]


@pytest.mark.parametrize(("loss", "given", "told"), [("cispo", None, 5.0), ("cispo", 3.0, 3.0), ("dapo", None, None)])
def test_cispo_caps_ratios_where_trl_advises(loss: str, given: float | None, told: float | None) -> None:
    spec = GrpoSpec.model_validate({"loss_type": loss, "epsilon_high": given})
    shared = {"output_dir": "/tmp", "use_cpu": True}
    assert config(spec, shared, steps=1, weights=[1.0]).epsilon_high == told


@pytest.mark.parametrize("kind", ["random", "format"])
def test_a_control_pays_what_its_kind_says_whatever_the_labels_are(kind: str, tmp_path: Path) -> None:
    spec = GrpoSpec.model_validate({**SPEC.model_dump(), "steps": 2, "rewards": {"kind": kind}})
    loaded, result = run(tmp_path / "a", spec)
    assert result.steps == 2 and result.facts[0]["right"] == sum(g.right for g in result.groups if g.step == 0) / (
        spec.prompts * spec.generations
    )
    if kind == "random":
        ks = range(spec.generations)
        for group in result.groups:
            reward_seeds = [seeds.seed(1, "random-reward", group.question_id, k=k, step=group.step) for k in ks]
            assert group.right == sum(
                counted_right(spec.rewards, AnswerGroup("q", [""] * 4, [None] * 4, None, reward_seeds))
            )
    wrong = classroom(load(lab.folder("lab-m")), spec)
    other = load(lab.folder("lab-m"))
    inputs = replace(
        wrong,
        labels={name: replace(label, answer="-777") for name, label in wrong.labels.items()},
        draw=classroom(other, spec).draw,
    )
    train(other, inputs, spec=spec, health=HEALTH, seed=1, context=Context(tmp_path / "b"))
    assert all(torch.equal(value, weights(other)[name]) for name, value in weights(loaded).items())


UNREACHED = "-987654"


def unrewarded(loaded: LoadedModel, spec: GrpoSpec, *, reached: frozenset[str] = frozenset()) -> RolloutInputs:
    """The classroom with labels that no answer reaches, but for the questions ``reached``."""
    inputs = classroom(loaded, spec)
    labels = {
        name: label if name in reached else replace(label, answer=UNREACHED) for name, label in inputs.labels.items()
    }
    return replace(inputs, labels=labels)


class Heard(PausedAt):
    """A context that keeps its notices and is never paused."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, 10**6)
        self.heard: list[str] = []

    def notice(self, text: str) -> None:
        self.heard.append(text)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        *(
            pytest.param(one, marks=slow)
            for one in ({"num_iterations": 2}, {"micro_batch": 4}, {"loss_type": "dr_grpo"})
        ),
    ],
)
def test_without_any_reward_signal_an_anchored_student_stays_the_start_model(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    spec = SPEC.model_copy(update={"beta": 0.04, **changes})
    loaded, context = load(lab.folder("lab-m")), Heard(tmp_path)
    start = weights(loaded)
    result = train(loaded, unrewarded(loaded, spec), spec=spec, health=HEALTH, seed=1, context=context)
    assert all(torch.equal(start[name], value) for name, value in weights(loaded).items())
    assert [fact["signal"] for fact in result.facts] == [False] * 3
    assert all(point.grad_norm == 0 and abs(point.kl or 0) < 1e-6 for point in result.curve)
    assert len(context.heard) == 1 and "same reward" in context.heard[0]


@pytest.mark.parametrize("generations", [pytest.param(3, marks=slow), 6, pytest.param(7, marks=slow)])
def test_equal_rewards_whose_mean_is_rounded_are_no_signal(generations: int, tmp_path: Path) -> None:
    # All of the lab's answers end, so each gets the same 0.1, whose mean over some answers is another number.
    rewards = {"termination": 0.1, "only_right": False}
    changes = {"rewards": rewards, "scale_rewards": "none", "generations": generations, "steps": 1}
    spec = GrpoSpec.model_validate({**SPEC.model_dump(), **changes})
    loaded = load(lab.folder("lab-m"))
    start = weights(loaded)
    result = train(loaded, unrewarded(loaded, spec), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path))
    assert result.facts[0]["signal"] is False
    assert all(torch.equal(start[name], value) for name, value in weights(loaded).items())


def test_a_signal_of_weight_zero_is_none(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"pseudo_weight": 0.0, "beta": 0.04})
    loaded, result = run(tmp_path, spec, origin="vote")
    assert any(group.kind == "mixed" for group in result.groups)
    start = weights(load(lab.folder("lab-m")))
    assert all(torch.equal(start[name], value) for name, value in weights(loaded).items())


@slow
def test_after_the_first_signal_steps_without_one_pull_back_to_the_start(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"beta": 0.04, "steps": 6})
    visited = run(tmp_path / "order", spec)[1].groups
    first = next(group for group in visited if group.kind == "mixed" and group.step > 0)
    loaded = load(lab.folder("lab-m"))
    reached = frozenset({first.question_id})
    result = train(
        loaded, unrewarded(loaded, spec, reached=reached), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path)
    )
    signals = [fact["signal"] for fact in result.facts]
    begin = signals.index(True)
    norms = [point.grad_norm or 0.0 for point in result.curve]
    assert norms[:begin] == [0.0] * begin
    assert all(norm > 0 for norm in norms[begin:])


def test_a_run_without_signal_that_was_paused_still_knows_that_it_has_not_moved(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"beta": 0.04})
    start = weights(load(lab.folder("lab-m")))
    with pytest.raises(Paused):
        loaded = load(lab.folder("lab-m"))
        context = PausedAt(tmp_path, 2)
        train(loaded, unrewarded(loaded, spec), spec=spec, health=HEALTH, seed=1, context=context)
    loaded, context = load(lab.folder("lab-m")), Heard(tmp_path)
    result = train(loaded, unrewarded(loaded, spec), spec=spec, health=HEALTH, seed=1, context=context)
    assert result.resumed_at_steps == (2,)
    assert all(torch.equal(start[name], value) for name, value in weights(loaded).items())
    assert not context.heard, "said before the pause"


@pytest.mark.parametrize(
    "loss", ["bnpo", *(pytest.param(one, marks=slow) for one in ("grpo", "dr_grpo", "dapo", "luspo"))]
)
def test_micro_batches_give_the_update_of_the_whole_batch(loss: str, tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"loss_type": loss, "steps": 1, "share_prompts": False})
    whole, one = run(tmp_path / "whole", spec)
    parts, many = run(tmp_path / "parts", spec.model_copy(update={"micro_batch": 2}))
    assert many.curve[0].grad_norm == pytest.approx(one.curve[0].grad_norm, rel=1e-3)
    start = weights(load(lab.folder("lab-m")))
    far = sum(float((weights(parts)[name] - value).square().sum()) for name, value in weights(whole).items())
    moved = sum(float((value - start[name]).square().sum()) for name, value in weights(whole).items())
    assert many.curve[0].loss == pytest.approx(one.curve[0].loss, abs=1e-5)
    assert far < 0.01 * moved
