"""Adapters: written beside the digest of their base and merged into it; plain models for readers of their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch
from peft import PeftModel, get_peft_model_state_dict
from peft.tuners.lora import LoraLayer
from torch import Tensor
from transformers import PreTrainedModel

from noisy_student import files
from noisy_student.errors import UserError
from noisy_student.models.folder import folder_digest
from noisy_student.models.load import LoadedModel
from noisy_student.models.save import GENERATION, write_tokenizer
from noisy_student.models.weights import header, refuse_difference

CONFIG, BASE, WEIGHTS = "adapter_config.json", "base.json", "adapter_model.safetensors"


def write_adapter(loaded: LoadedModel, folder: Path) -> str:
    """Write adapter (safetensors), tokenizer, stop ids and the digest of the base; return the folder's digest.

    Equal adapters give equal bytes: no path is written, and lists are sorted. The generation config stands beside the
    adapter because the base's own may lack the token that ends a turn, which the student learned.
    """
    model: Any = loaded.model
    model.save_pretrained(folder, selected_adapters=["default"])
    model.generation_config.to_json_file(folder / GENERATION, use_diff=True)
    (folder / "README.md").unlink(missing_ok=True)
    config = files.read_json(folder / CONFIG)
    config["base_model_name_or_path"] = None
    config["target_modules"] = sorted(config["target_modules"])
    files.write_json(folder / CONFIG, config)
    files.write_json(folder / BASE, {"digest": loaded.digest})
    write_tokenizer(loaded, folder)
    return folder_digest(folder)


def merged(loaded: LoadedModel, folder: Path) -> LoadedModel:
    """Return the base model with the adapter in ``folder`` added to its weights, computed in float32.

    Raises UserError for an adapter that was trained on another base, or whose weights are not all in its file.
    """
    trained_on = files.read_json(folder / BASE)["digest"]
    if trained_on != loaded.digest:
        raise UserError(
            f"The adapter in {folder} was trained on model {trained_on[:16]}, not on {loaded.digest[:16]}.",
            why="An adapter's weights are differences from its own base.",
            do="Give the model that it was trained on.",
            code="adapter-of-another-base",
        )
    dtype = loaded.model.dtype
    held = header(folder / WEIGHTS).keys()
    adapted: Any = PeftModel.from_pretrained(loaded.model.to(torch.float32), str(folder))  # type: ignore[arg-type]
    # PEFT only warns, and leaves random numbers.
    own = get_peft_model_state_dict(adapted, save_embedding_layers=False).keys()
    refuse_difference(folder, own - held, held - own)
    model = adapted.merge_and_unload().to(dtype)
    model.train(False)
    return replace(loaded, model=model, digest=folder_digest(folder))


def is_adapted(model: Any) -> bool:
    """Return whether the model carries an adapter, which ``disable_adapter`` can switch off."""
    return isinstance(model, PeftModel)


def plain(model: Any) -> PreTrainedModel:
    """Return the model without the wrapper of an adapter."""
    found: Any = model.get_base_model() if isinstance(model, PeftModel) else model
    return cast(PreTrainedModel, found)


@torch.no_grad()
def plain_state(model: Any) -> Mapping[str, Tensor]:
    """Return the weights by their names in the plain model, with the adapter added."""
    if not isinstance(model, PeftModel):
        state: Mapping[str, Tensor] = model.state_dict()
        return state
    inner = plain(model)
    found = {name: weight for name, weight in inner.state_dict().items() if ".lora_" not in name}
    state = {name.replace(".base_layer.", "."): weight for name, weight in found.items()}
    for name, module in inner.named_modules():
        if isinstance(module, LoraLayer):
            added: Tensor = sum(module.get_delta_weight(each) for each in module.active_adapters)  # type: ignore
            state[f"{name}.weight"] = state[f"{name}.weight"] + added
    return state
