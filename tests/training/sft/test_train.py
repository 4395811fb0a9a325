from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from refusals import refused

from noisy_student.context import Context
from noisy_student.errors import NotTrainable, Paused
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, save
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Example, Question
from noisy_student.training.sft import train as sft
from noisy_student.training.sft.examples import Encoded, batch_order, encode
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.sft import SftSpec

sys.path.insert(0, str(Path(__file__).parents[2] / "models"))
import tiny  # noqa: E402

HEALTH = HealthSpec()
SPEC = SftSpec(epochs=2, batch=2, learning_rate=1e-2, warmup=0.2)
TEXTS = ["Tom has 5 apples", "Ann has 2 pears now", "Tom gives 3 apples", "how many apples ?", "Ann buys 4 pears"]
QUESTIONS = {str(n): Question(str(n), text) for n, text in enumerate(TEXTS)}
EXAMPLES = [Example(name, f"The answer is {name} #### {name}") for name in QUESTIONS]


class Stopping(Context):
    """A context whose deadline comes at the n-th question."""

    def __init__(self, folder: Path, *, after: int) -> None:
        super().__init__(folder)
        self.left = after

    def check(self, ahead: float = 0.0) -> None:
        self.left -= 1
        if self.left == 0:
            raise Paused


def encoded(loaded: LoadedModel) -> Encoded:
    return encode(Renderer(loaded.tokenizer, PromptSpec()), EXAMPLES, QUESTIONS, max_length=64)


def trained(folder: Path, *, spec: SftSpec = SPEC, seed: int = 1) -> tuple[LoadedModel, sft.SftResult]:
    loaded = tiny.loaded()
    return loaded, sft.train(loaded, encoded(loaded), spec=spec, health=HEALTH, seed=seed, context=Context(folder))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedModel, sft.SftResult]:
    """One uninterrupted run with seed 1, which several tests check at."""
    return trained(tmp_path_factory.mktemp("whole"))


def weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in loaded.model.named_parameters()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(a[name], b[name]) for name in a)


def by_hand(loaded: LoadedModel, spec: SftSpec, seed: int) -> list[float]:
    """The same training in plain torch: one padded batch a step, mean cross-entropy over supervised tokens."""
    rows = encoded(loaded).rows
    steps = [
        batch_order([len(row.ids) for row in rows], spec, seed=seed)[i : i + spec.batch]
        for i in range(0, 2 * len(rows), spec.batch)
    ]
    optimizer = torch.optim.AdamW(loaded.model.parameters(), lr=spec.learning_rate, weight_decay=0.0)
    losses = []
    for number, positions in enumerate(steps):
        batch = [rows[position] for position in positions]
        width = max(len(row.ids) for row in batch)
        ids = torch.tensor([[*row.ids, *[0] * (width - len(row.ids))] for row in batch])
        mask = torch.tensor([[*row.completion_mask, *[0] * (width - len(row.ids))] for row in batch])
        logits = loaded.model(input_ids=ids, attention_mask=(ids > 0).long()).logits
        loss = torch.nn.functional.cross_entropy(logits[:, :-1][mask[:, 1:] == 1], ids[:, 1:][mask[:, 1:] == 1])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(loaded.model.parameters(), spec.max_grad_norm)
        rate = number if number < 1 else (len(steps) - number) / (len(steps) - 1)
        optimizer.param_groups[0]["lr"] = spec.learning_rate * rate
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


def test_training_equals_a_plain_torch_loop(whole: tuple[LoadedModel, sft.SftResult]) -> None:
    loaded, result = whole
    reference = tiny.loaded()
    losses = by_hand(reference, SPEC, seed=1)
    assert result.steps == len(losses) == 5
    assert result.curve[-1].loss == pytest.approx(sum(losses) / 5, rel=1e-5)
    after, expected = weights(loaded), weights(reference)
    assert all(torch.allclose(after[name], expected[name], atol=2e-5) for name in after)
    assert not same(after, weights(tiny.loaded()))


def test_counts_are_exact(whole: tuple[LoadedModel, sft.SftResult]) -> None:
    loaded, result = whole
    rows = encoded(loaded).rows
    assert (result.examples, result.too_long) == (5, ())
    assert result.trained_tokens == 2 * sum(sum(row.completion_mask) for row in rows) == 2 * 5 * 7
    assert result.read_tokens == 2 * sum(len(row.ids) for row in rows)
    assert not loaded.model.training


def test_two_runs_give_the_same_bytes_and_another_seed_does_not(
    tmp_path: Path, whole: tuple[LoadedModel, sft.SftResult]
) -> None:
    again, other = (trained(tmp_path / str(seed), seed=seed)[0] for seed in (1, 2))
    models = enumerate((whole[0], again, other))
    digests = [save(loaded, tmp_path / f"model{number}") for number, loaded in models]
    assert digests[0] == digests[1] != digests[2]


def test_loss_on_all_counts_the_prompt_too(tmp_path: Path) -> None:
    loaded, result = trained(tmp_path, spec=SPEC.model_copy(update={"loss_on": "all"}))
    assert result.trained_tokens == 2 * sum(len(row.ids) - 1 for row in encoded(loaded).rows)


def test_micro_batches_add_up_to_the_mean_over_all_tokens_of_a_batch(tmp_path: Path) -> None:
    # Rows of unequal length: a mean of their means would be another gradient.
    spec = SPEC.model_copy(update={"loss_on": "all"})
    whole, one = trained(tmp_path / "whole", spec=spec)
    parts, other = trained(tmp_path / "parts", spec=spec.model_copy(update={"micro_batch": 1}))
    assert (one.steps, one.trained_tokens) == (other.steps, other.trained_tokens) == (5, one.trained_tokens)
    assert other.curve[-1].loss == pytest.approx(one.curve[-1].loss, rel=1e-5)
    after, expected = weights(parts), weights(whole)
    assert all(torch.allclose(after[name], expected[name], atol=2e-5) for name in after)


def test_computing_inner_values_again_changes_no_byte(tmp_path: Path, whole: tuple[LoadedModel, sft.SftResult]) -> None:
    again, computed = tiny.loaded(), []
    again.model.model.layers[0].mlp.register_forward_pre_hook(lambda *_: computed.append(1))
    spec = SPEC.model_copy(update={"activation_checkpointing": True})
    result = sft.train(again, encoded(again), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path))
    assert len(computed) == 2 * result.steps
    assert same(weights(again), weights(whole[0]))
    assert not any(getattr(module, "gradient_checkpointing", False) for module in again.model.modules())


def test_a_pause_between_micro_batches_resumes_from_the_last_step(tmp_path: Path) -> None:
    spec = SPEC.model_copy(update={"micro_batch": 1})
    uninterrupted, _ = trained(tmp_path / "whole", spec=spec)
    paused = tiny.loaded()
    with pytest.raises(Paused):
        # Two checks a step: the fifth comes in the middle of the third.
        sft.train(
            paused,
            encoded(paused),
            spec=spec,
            health=HEALTH,
            seed=1,
            context=Stopping(tmp_path / "part", after=5),
        )
    assert (tmp_path / "part/scratch/sft/step-2.safetensors").is_file()
    again = tiny.loaded()
    sft.train(again, encoded(again), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path / "part"))
    assert same(weights(again), weights(uninterrupted))


def test_a_resumed_run_equals_an_uninterrupted_one(tmp_path: Path, whole: tuple[LoadedModel, sft.SftResult]) -> None:
    uninterrupted, result = whole
    paused = tiny.loaded()
    with pytest.raises(Paused):
        sft.train(
            paused,
            encoded(paused),
            spec=SPEC,
            health=HEALTH,
            seed=1,
            context=Stopping(tmp_path / "part", after=3),
        )
    assert (tmp_path / "part/scratch/sft/step-3.safetensors").is_file()
    again = tiny.loaded()
    resumed = sft.train(again, encoded(again), spec=SPEC, health=HEALTH, seed=1, context=Context(tmp_path / "part"))
    assert same(weights(again), weights(uninterrupted))
    assert (resumed.steps, resumed.trained_tokens) == (result.steps, result.trained_tokens)


def test_a_foreign_state_is_not_read(tmp_path: Path, whole: tuple[LoadedModel, sft.SftResult]) -> None:
    loaded = tiny.loaded()
    with pytest.raises(Paused):
        sft.train(loaded, encoded(loaded), spec=SPEC, health=HEALTH, seed=2, context=Stopping(tmp_path, after=2))
    assert (tmp_path / "scratch/sft/step-2.safetensors").is_file()
    mine, _ = trained(tmp_path)
    assert same(weights(mine), weights(whole[0]))


@pytest.mark.parametrize("mark", ["none", "half", "another's"])
def test_what_is_no_whole_state_of_this_run_is_removed(
    mark: str, tmp_path: Path, whole: tuple[LoadedModel, sft.SftResult]
) -> None:
    folder = tmp_path / "scratch/sft"
    folder.mkdir(parents=True)
    for name in ("step-2.safetensors", "step-3.partial"):
        (folder / name).write_bytes(b"half")
    if mark != "none":
        state = {"identity": "x", "weights": "step-2.safetensors", "sha256": "", "progress": {}, "schedule": {}}
        (folder / "state.json").write_text(json.dumps(state)[: 9 if mark == "half" else None])
    mine, _ = trained(tmp_path)
    assert same(weights(mine), weights(whole[0]))
    assert list(folder.iterdir()) == []


def test_what_trl_leaves_on_the_model_is_taken_back(whole: tuple[LoadedModel, sft.SftResult]) -> None:
    loaded, _ = whole
    assert "forward" not in loaded.model.__dict__
    assert loaded.model.config.use_cache is True
    assert loaded.model.generation_config.eos_token_id == sorted(loaded.stop_ids)
    assert all(parameter.grad is None for parameter in loaded.model.parameters())


def test_the_curve_ends_at_the_last_step_and_is_written_beside_the_data(tmp_path: Path) -> None:
    _, result = trained(tmp_path, spec=SPEC.model_copy(update={"epochs": 5.0}))
    lines = [json.loads(line) for line in (tmp_path / "curves/training.jsonl").read_text().splitlines()]
    assert [point["step"] for point in lines] == [point.step for point in result.curve] == [10, 13]
    assert lines[-1]["loss"] < lines[0]["loss"]
    assert lines[-1]["grad_norm"] > 0
    assert not (tmp_path / "data").exists()
    assert json.loads((tmp_path / "progress.json").read_text())["done"] == 13


def test_a_loss_that_is_no_number_is_not_trainable(tmp_path: Path) -> None:
    loaded = tiny.loaded()
    with torch.no_grad():
        next(loaded.model.parameters()).fill_(float("nan"))
    with refused("training-diverged", "nan") as caught:
        sft.train(loaded, encoded(loaded), spec=SPEC, health=HEALTH, seed=1, context=Context(tmp_path))
    assert isinstance(caught.value, NotTrainable)


def test_steps_can_be_matched(tmp_path: Path) -> None:
    _, result = trained(tmp_path, spec=SftSpec(match="steps", steps=7, batch=3, learning_rate=1e-3))
    assert (result.steps, result.examples) == (7, 5)
