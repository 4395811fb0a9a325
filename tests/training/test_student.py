"""Adapters: trained weights, the written folder, merging into the base, and refused targets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from refusals import refused
from training.grpo.test_train import HEALTH, SPEC, PausedAt, classroom

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import Paused
from noisy_student.models import lab
from noisy_student.models.adapter import merged, plain_state, write_adapter
from noisy_student.models.load import LoadedModel, load
from noisy_student.sampling.decoder import Decoder
from noisy_student.training.grpo.train import GrpoResult, train
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import adapt, trainable, write_student

RANK_4 = LoraSpec(rank=4)
IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])


def adapted(spec: LoraSpec = RANK_4, seed: int = 1) -> LoadedModel:
    return adapt(load(lab.folder("lab-m")), spec, seed=seed)


def adapters(loaded: LoadedModel) -> dict[str, torch.Tensor]:
    return {name: p.detach().clone() for name, p in loaded.model.named_parameters() if p.requires_grad}


def spoiled(loaded: LoadedModel) -> LoadedModel:
    """With an adapter that changes something."""
    with torch.no_grad():
        for weight in (p for p in loaded.model.parameters() if p.requires_grad):
            weight.add_(torch.full_like(weight, 0.02))
    return loaded


@torch.inference_mode()
def test_a_new_adapter_changes_nothing_and_alone_is_trained() -> None:
    base, loaded = load(lab.folder("lab-m")), adapted()
    assert torch.allclose(loaded.model(IDS).logits, base.model(IDS).logits, atol=1e-6)
    names = adapters(loaded)
    assert names and all("lora_" in name for name in names)
    # Seven layers in each of four blocks: rank times inputs and outputs.
    sizes = [module.in_features + module.out_features for module in base.model.modules() if _is_inner(module, base)]
    assert trainable(loaded.model) == 4 * sum(sizes) and len(sizes) == 28


def _is_inner(module: Any, base: LoadedModel) -> bool:
    return isinstance(module, torch.nn.Linear) and module is not base.model.get_output_embeddings()


def test_the_first_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(99)
    first = adapters(adapted())
    torch.manual_seed(100)
    second, other = adapters(adapted()), adapters(adapted(seed=2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_attention_alone_may_be_adapted() -> None:
    names = adapters(adapted(LoraSpec(rank=1, targets="attention")))
    assert names and all("self_attn" in name for name in names)
    assert len(names) == 2 * 4 * 4


def test_targets_that_match_nothing_are_named_beside_those_that_exist() -> None:
    with refused("lora-targets-missing", "no linear layer query") as raised:
        adapted(LoraSpec(rank=4, targets=("q_proj", "query")))
    assert "down_proj, gate_proj, k_proj" in str(raised.value.do)


@pytest.mark.parametrize("fields", [{"rank": 0}, {"alpha": 32.0}, {"rank": 4, "alpha": 0.0}, {"rank": 4, "size": 1}])
def test_settings_that_make_no_adapter_are_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LoraSpec.model_validate(fields)


@torch.inference_mode()
def test_what_is_written_is_put_back_upon_its_base(tmp_path: Path) -> None:
    loaded = spoiled(adapted())
    write_adapter(loaded, tmp_path / "one")
    write_adapter(loaded, tmp_path / "other")
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "other" / path.name).read_bytes()
    assert files.read_json(tmp_path / "one" / "adapter_config.json")["base_model_name_or_path"] is None
    again = merged(load(lab.folder("lab-m")), tmp_path / "one")
    base = load(lab.folder("lab-m"))
    expected = loaded.model(IDS).logits
    assert torch.allclose(again.model(IDS).logits, expected, atol=1e-4)
    assert not torch.allclose(base.model(IDS).logits, expected, atol=1e-2)
    assert again.digest != base.digest


def test_an_adapter_of_another_base_is_refused(tmp_path: Path) -> None:
    write_adapter(adapted(), tmp_path)
    other = replace(load(lab.folder("lab-m")), digest="0" * 64)
    with refused("adapter-of-another-base"):
        merged(other, tmp_path)


@torch.inference_mode()
def test_what_reads_weights_sees_through_an_adapter() -> None:
    loaded = spoiled(adapted())
    base = load(lab.folder("lab-m"))
    assert plain_state(loaded.model).keys() == base.model.state_dict().keys()
    decoder = Decoder(loaded.model)
    decoder.reserve(16)
    cache = decoder.new_cache(groups=1, rows=8, prompt=6, drawn=2)
    found = decoder.read(cache, IDS.tolist(), [0])
    assert torch.allclose(found[0], loaded.model(IDS).logits[0, -1], atol=1e-4)


def trained(folder: Path, *, context: Context | None = None, **changes: Any) -> tuple[LoadedModel, GrpoResult]:
    spec = SPEC.model_copy(update={"learning_rate": 1e-2, **changes})
    loaded = adapted()
    return loaded, train(
        loaded, classroom(loaded, spec), spec=spec, health=HEALTH, seed=1, context=context or Context(folder)
    )


@pytest.mark.parametrize("beta", [0.0, 0.04])
def test_grpo_moves_the_adapter_and_nothing_else(beta: float, tmp_path: Path) -> None:
    before = load(lab.folder("lab-m")).model.state_dict()
    loaded, found = trained(tmp_path, beta=beta, drift_every=1)
    first = adapters(adapted())
    assert any(not torch.equal(first[name], weight) for name, weight in adapters(loaded).items())
    inner: Any = loaded.model
    kept = {name.replace(".base_layer.", "."): w for name, w in inner.get_base_model().state_dict().items()}
    assert all(torch.equal(kept[name], weight) for name, weight in before.items())
    assert all(fact["mismatch"] < 1e-3 for fact in found.facts)
    write_adapter(loaded, tmp_path / "adapter")
    assert not [path for path in (tmp_path / "adapter").iterdir() if path.is_dir()]
    kls = [fact.get("kl") for fact in found.facts] if beta == 0 else [point.kl for point in found.curve]
    assert abs(kls[0]) < 1e-6 < kls[-1]  # type: ignore[arg-type]


@pytest.mark.parametrize("beta", [pytest.param(0.0, marks=pytest.mark.slow), 0.04])
def test_a_paused_adapter_goes_on_as_if_nothing_had_happened(beta: float, tmp_path: Path) -> None:
    whole, found = trained(tmp_path / "whole", beta=beta)
    with pytest.raises(Paused):
        trained(tmp_path / "paused", context=PausedAt(tmp_path / "paused", 2), beta=beta)
    (state,) = (tmp_path / "paused" / "scratch" / "grpo").glob("*.safetensors")
    assert state.stat().st_size < 1_000_000, "the base is no part of a state"
    resumed, again = trained(tmp_path / "paused", beta=beta)
    assert [point.kl for point in again.curve] == [point.kl for point in found.curve]
    assert again.resumed_at_steps == (2,)
    assert again.groups == found.groups
    expected = adapters(whole)
    assert all(torch.equal(weight, expected[name]) for name, weight in adapters(resumed).items())


@torch.inference_mode()
def test_a_merged_student_is_a_plain_model(tmp_path: Path) -> None:
    loaded = spoiled(adapted())
    expected = loaded.model(IDS).logits.clone()
    write_student(loaded, {"lora": RANK_4.model_copy(update={"merge": True}).model_dump()}, tmp_path)
    assert torch.allclose(load(tmp_path / "model").model(IDS).logits, expected, atol=1e-4)
    assert not (tmp_path / "adapter").exists()
