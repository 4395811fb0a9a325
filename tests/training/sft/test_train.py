"""Fine-tuning on a tiny model: equal to a plain loop, resumed to the byte, and with residual dropout."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from refusals import refused

from noisy_student.context import Context
from noisy_student.errors import NotTrainable, Paused
from noisy_student.models import lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import LoadedModel, load
from noisy_student.models.save import save
from noisy_student.models.spec import PromptSpec
from noisy_student.records import Example, Question
from noisy_student.training.sft import train as sft
from noisy_student.training.sft.examples import Encoded, batch_order, encode
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.specs.sft import UNSEEDED, SftSpec
from noisy_student.training.student import adapt

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


@pytest.mark.slow
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


NOISY = SPEC.model_copy(update={"dropout": 0.3})
IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])


def outputs(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the output of each sub-layer of the first decoder layer in one pass."""
    found: dict[str, torch.Tensor] = {}
    hooks = []
    for name, module in model.named_modules():
        short = name.rpartition("layers.0.")[2]
        if short in ("self_attn", "mlp") and short != name:

            def keep(_: object, __: object, output: object, short: str = short) -> None:
                found[short] = output[0] if isinstance(output, tuple) else output  # type: ignore[assignment]

            hooks.append(module.register_forward_hook(keep))
    with torch.no_grad():
        model(IDS)
    for hook in hooks:
        hook.remove()
    return found


@examples(12)
@given(share=st.sampled_from([0.1, 0.5, 0.9]), seed=st.integers(0, 2**31))
def test_numbers_are_dropped_or_divided_by_the_share_that_stays(share: float, seed: int) -> None:
    model = tiny.loaded().model.eval()
    whole = outputs(model)["self_attn"]
    model.train()
    with sft.residual_dropout(model, share):
        torch.manual_seed(seed)
        # The first sub-layer reads what no dropout has touched.
        dropped = outputs(model)["self_attn"]
    gone = dropped == 0
    assert torch.allclose(dropped[~gone], whole[~gone] / (1 - share), rtol=1e-5, atol=1e-7)
    assert abs(gone.float().mean().item() - share) < 0.2


def test_each_sub_layer_of_each_layer_is_dropped_and_only_in_training() -> None:
    model = tiny.loaded().model.eval()
    plain = model(IDS).logits
    with sft.residual_dropout(model, 0.5):
        assert torch.equal(model(IDS).logits, plain)
        hooked = [name for name, module in model.named_modules() if module._forward_hooks]
        model.train()
        assert not torch.equal(model(IDS).logits, plain)
    layers = range(model.config.num_hidden_layers)
    assert sorted(hooked) == sorted(f"model.layers.{n}.{part}" for n in layers for part in ("self_attn", "mlp"))
    assert torch.equal(model(IDS).logits, plain)


def test_without_dropout_no_hook_is_set_and_no_number_is_drawn() -> None:
    model = tiny.loaded().model
    before = torch.get_rng_state()
    with sft.residual_dropout(model, 0.0):
        assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_without_such_layers_is_refused() -> None:
    with refused("dropout-layers-missing", "dropout is 0.1"), sft.residual_dropout(torch.nn.Linear(2, 2), 0.1):
        pass


@pytest.mark.parametrize(
    "update",
    [
        {"micro_batch": 1},
        *(pytest.param(one, marks=pytest.mark.slow) for one in ({}, {"activation_checkpointing": True})),
    ],
)
def test_a_resumed_run_drops_what_an_uninterrupted_one_does(update: dict[str, object], tmp_path: Path) -> None:
    spec = NOISY.model_copy(update=update)
    uninterrupted, result = trained(tmp_path / "whole", spec=spec)
    paused = tiny.loaded()
    with pytest.raises(Paused):
        sft.train(
            paused,
            encoded(paused),
            spec=spec,
            health=HEALTH,
            seed=1,
            context=Stopping(tmp_path / "part", after=5 if "micro_batch" in update else 3),
        )
    again = tiny.loaded()
    torch.manual_seed(12345)
    resumed = sft.train(again, encoded(again), spec=spec, health=HEALTH, seed=1, context=Context(tmp_path / "part"))
    assert same(weights(again), weights(uninterrupted))
    assert resumed.steps == result.steps
    inner = [module for name, module in again.model.named_modules() if name.endswith(("self_attn", "mlp"))]
    assert inner and not any(module._forward_hooks for module in inner)


def test_checkpointing_computes_the_same_masks_again(tmp_path: Path) -> None:
    plain, _ = trained(tmp_path / "a", spec=NOISY)
    computed, _ = trained(tmp_path / "b", spec=NOISY.model_copy(update={"activation_checkpointing": True}))
    assert same(weights(plain), weights(computed))


@pytest.mark.slow
def test_dropout_makes_another_student_of_each_seed(tmp_path: Path) -> None:
    # One step over all examples in one batch: the order alone cannot make the difference.
    spec = NOISY.model_copy(update={"batch": 5, "epochs": 1.0, "warmup": 0.0})
    students = [trained(tmp_path / str(seed), spec=spec, seed=seed)[0] for seed in (1, 2)]
    without = trained(tmp_path / "none", spec=spec.model_copy(update={"dropout": 0.0}))[0]
    assert not same(weights(students[0]), weights(students[1]))
    assert not same(weights(students[0]), weights(without))


def adapter_weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value for name, value in weights(loaded).items() if "lora_" in name}


@pytest.mark.slow
def test_an_adapter_learns_under_dropout_too(tmp_path: Path) -> None:
    def student(share: float) -> LoadedModel:
        loaded = adapt(load(lab.folder("lab-m")), LoraSpec(rank=2), seed=1)
        spec = SPEC.model_copy(update={"dropout": share, "epochs": 1.0})
        sft.train(
            loaded,
            encoded(loaded),
            spec=spec,
            health=HEALTH,
            seed=1,
            context=Context(tmp_path / f"{share}-{id(loaded)}"),
        )
        return loaded

    noisy, again, plain = student(0.2), student(0.2), student(0.0)
    assert same(adapter_weights(noisy), adapter_weights(again))
    assert not same(adapter_weights(noisy), adapter_weights(plain))


def test_where_no_seed_matters_the_training_says_so(tmp_path: Path) -> None:
    heard: list[str] = []

    class Listening(Context):
        def notice(self, text: str) -> None:
            heard.append(text)

    def one(seed: int, **changes: object) -> tuple[dict[str, torch.Tensor], bool]:
        loaded, spec = tiny.loaded(), SPEC.model_copy(update={"batch": 5, **changes})
        context = Listening(tmp_path / f"{seed}{changes}")
        result = sft.train(loaded, encoded(loaded), spec=spec, health=HEALTH, seed=seed, context=context)
        return weights(loaded), result.seeded

    (first, seeded), (second, _) = one(1), one(2)
    assert not seeded and heard == [UNSEEDED] * 2
    assert all(torch.allclose(first[name], value, atol=1e-5) for name, value in second.items())
    assert one(1, batch=4)[1] and one(1, dropout=0.1)[1]
    assert len(heard) == 2
