"""Residual dropout: what is dropped and when, the same after a pause, and nothing where it is off."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from refusals import refused
from training.sft.test_train import HEALTH, SPEC, Stopping, encoded, same, tiny, trained, weights

from noisy_student.context import Context
from noisy_student.errors import Paused
from noisy_student.models import lab
from noisy_student.models.load import LoadedModel, load
from noisy_student.training.sft import train as sft
from noisy_student.training.sft.dropout import residual_dropout
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import adapt

NOISY = SPEC.model_copy(update={"dropout": 0.3})
IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])


def outputs(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What each sub-layer of the first decoder layer hands on in one pass."""
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


@settings(max_examples=12, deadline=None)
@given(share=st.sampled_from([0.1, 0.5, 0.9]), seed=st.integers(0, 2**31))
def test_numbers_are_dropped_or_divided_by_the_share_that_stays(share: float, seed: int) -> None:
    model = tiny.loaded().model.eval()
    whole = outputs(model)["self_attn"]
    model.train()
    with residual_dropout(model, share):
        torch.manual_seed(seed)
        # The first sub-layer reads what no dropout has touched.
        dropped = outputs(model)["self_attn"]
    gone = dropped == 0
    assert torch.allclose(dropped[~gone], whole[~gone] / (1 - share), rtol=1e-5, atol=1e-7)
    assert abs(gone.float().mean().item() - share) < 0.2


def test_each_sub_layer_of_each_layer_is_dropped_and_only_in_training() -> None:
    model = tiny.loaded().model.eval()
    plain = model(IDS).logits
    with residual_dropout(model, 0.5):
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
    with residual_dropout(model, 0.0):
        assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_model_without_such_layers_is_refused() -> None:
    with refused("dropout-layers-missing", "dropout is 0.1"), residual_dropout(torch.nn.Linear(2, 2), 0.1):
        pass


@pytest.mark.parametrize("update", [{}, {"micro_batch": 1}, {"activation_checkpointing": True}])
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


def test_dropout_makes_another_student_of_each_seed(tmp_path: Path) -> None:
    # One step over all examples in one batch: the order alone cannot make the difference.
    spec = NOISY.model_copy(update={"batch": 5, "epochs": 1.0, "warmup": 0.0})
    students = [trained(tmp_path / str(seed), spec=spec, seed=seed)[0] for seed in (1, 2)]
    without = trained(tmp_path / "none", spec=spec.model_copy(update={"dropout": 0.0}))[0]
    assert not same(weights(students[0]), weights(students[1]))
    assert not same(weights(students[0]), weights(without))


def adapter_weights(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: value for name, value in weights(loaded).items() if "lora_" in name}


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
