"""Names and shapes of weights: those in the safetensors of a folder, and their differences from those of a model.

A weight that is in no file is a random number after loading, so any difference is an error; no torch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from noisy_student import opener
from noisy_student.errors import UserError
from noisy_student.models.config import read_object

MODEL, INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"-(\d{5})-of-(\d{5})\.safetensors$")
_LAYER = re.compile(r"(?:layers|blocks|blk|h)\.(\d+)\.")
# transformers would read these in place of model.safetensors, by another loader (distributed/checkpoint.py).
_DISTRIBUTED = "shard-*-model-*-of-*.safetensors"
_SHOWN = 4
_BASE = re.compile(r"^(?:model\.)+")
# Of each layer of Llama, Qwen2 and Qwen3 (transformers' modeling files of these names).
_PARTS = (
    *("input_layernorm", "post_attention_layernorm", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"),
    *(f"self_attn.{name}_proj" for name in "qkvo"),
)
_MORE_PARTS = {
    "llama": (),
    "qwen2": tuple(f"self_attn.{name}_proj.bias" for name in "qkv"),
    "qwen3": ("self_attn.q_norm.weight", "self_attn.k_norm.weight"),
}

_WRAPPERS = (
    (r"(?:^|\.)_orig_mod\.", "The model was saved while torch.compile wrapped it", "Save model._orig_mod"),
    (
        r"^(?:base_model\.model\.)|\.base_layer\.|(?:^|\.)lora_[A-Za-z_]*(?:\.|$)|\.modules_to_save\.|\.original_module\.",
        *("The model was saved before its adapter (PEFT) was merged", "Call merge_and_unload() and save its result"),
    ),
    (r"(?:^|\.)(?:_fsdp_wrapped_module|_fpw_module)\.", "FSDP wrapped the model", "Gather its full state first"),
    (
        r"(?:^|\.)_checkpoint_wrapped_module\.",
        "Activation checkpointing wrapped the model",
        "Save the model without it",
    ),
    (r"^(?:module|_module|_forward_module)\.", "DDP, DeepSpeed or a like wrapper held the model", "Save model.module"),
    (r"^pretrained_model\.|^v_head\.", "A value head wrapped the model", "Save its pretrained_model"),
)
"""Names by which a wrapper shows, what happened, and the remedy."""


def tensors(folder: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all tensors in the files that are read, by name; the tensors themselves stay on the disk.

    Raises UserError for a damaged file, a Git LFS pointer, a shard that is missing or elsewhere, a tensor that occurs
    twice, and names that a wrapper left.
    """
    found: dict[str, tuple[int, ...]] = {}
    for path in weight_files(folder):
        for name, shape in header(path).items():
            # transformers adds or drops the prefix where it must.
            if name in found or f"model.{name}" in found or (name.startswith("model.") and name[6:] in found):
                raise _twice(path, name)
            found[name] = shape
    if (wrapped := _wrapped(found)) is not None:
        names, *cause = wrapped
        raise _misfit(folder, f"{_count(names)} of {len(found):,} with the name of a wrapper: {_listed(names)}", *cause)
    return found


def check_decoder(folder: Path, found: Collection[str]) -> None:
    """Raise UserError where the names ``found`` lack one of a plain decoder, or are of more layers than it has.

    Other architectures, biases of Llama and the output layer are known on loading only (``load.load``).
    """
    config = read_object(folder / "config.json")
    kind, layers = config.get("model_type"), config.get("num_hidden_layers")
    if kind not in _MORE_PARTS or not isinstance(layers, int) or "quantization_config" in config:
        return
    parts = [f"{part}.weight" for part in _PARTS] + list(_MORE_PARTS[kind])
    own = {"embed_tokens.weight", "norm.weight"} | {
        f"layers.{layer}.{part}" for layer in range(layers) for part in parts
    }
    names = {_BASE.sub("", name): name for name in found}
    if config.get("tie_word_embeddings") and "lm_head.weight" in names:
        # One tensor, stored under either name.
        own.discard("embed_tokens.weight")
    lacking = own - names.keys()
    # Biases and the output layer may be right; beside missing names, any other shows what happened to those.
    biases = {f"{name.removesuffix('weight')}bias" for name in own if name.endswith(".weight")}
    other = names.keys() - own - biases - {"lm_head.weight"}
    more = {name for name in other if (layer := _LAYER.match(name)) and int(layer[1]) >= layers}
    unexpected = {names[name] for name in (other if lacking else more)}
    refuse_difference(folder, {f"model.{name}" for name in lacking}, unexpected)


def header(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the tensors in one file by name; raises UserError as ``tensors`` does for that file."""
    opener.require_whole(path)
    try:
        # The format's own reader checks sizes and places, but not that each name occurs once.
        with safe_open(path, framework="numpy"), path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            content = json.loads(file.read(length), object_pairs_hook=partial(_once, path))
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(
            f"{path} ({path.stat().st_size:,} bytes) is damaged: {error}.",
            why="It is no whole safetensors file.",
            do="Download or save the model again.",
            code="weights-damaged",
        ) from error
    return {name: tuple(entry["shape"]) for name, entry in content.items() if name != "__metadata__"}


def weight_files(folder: Path) -> tuple[Path, ...]:
    """Return the safetensors that transformers reads: the one file, or the shards of the index."""
    for path in sorted(folder.glob(_DISTRIBUTED)):
        raise UserError(
            f"{path} is a shard of a distributed checkpoint.",
            why="Only whole weights are read.",
            do="Save the model with save_pretrained.",
            code="model-folder-incomplete",
        )
    shards = sorted({path for index in folder.glob("*.safetensors.index.json") for path in _shards(index)})
    if (folder / MODEL).is_file():
        return (folder / MODEL,)
    if (folder / INDEX).is_file():
        return tuple(_shards(folder / INDEX))
    there = sorted(path.name for path in folder.glob("*.safetensors") if path not in shards)
    why = f"It holds {_listed(there)}" if there else "No other weight format is read"
    if any(_SHARD.search(name) for name in there):
        why += f"; the index of these shards, {INDEX}, is missing"
    raise UserError(
        f"{folder} holds no {MODEL}.",
        why=f"{why}.",
        do="Copy all files of the model, or save it with save_pretrained (as safetensors).",
        code="model-folder-incomplete",
    )


def refuse_difference(
    place: Path | str,
    missing: Collection[str],
    unexpected: Collection[str],
    mismatched: Collection[tuple[str, Any, Any]] = (),
) -> None:
    """Raise UserError unless the files hold exactly the weights of the model: names, and the likeliest cause.

    ``mismatched`` are a name, the shape in the file and the shape in the model.
    """
    parts = []
    if missing:
        parts.append(f"{_count(missing)} of the model in none of its files: {_listed(sorted(missing))}")
    if unexpected:
        parts.append(f"{_count(unexpected)} in the files that the model does not have: {_listed(sorted(unexpected))}")
    if mismatched:
        shown = [f"{name} {list(file)} in place of {list(own)}" for name, file, own in sorted(mismatched)]
        parts.append(f"{_count(mismatched)} of another shape: {_listed(shown)}")
    if parts:
        raise _misfit(place, "; ".join(parts), *_cause(missing, unexpected, mismatched))


def _misfit(place: Path | str, fact: str, cause: str, remedy: str) -> UserError:
    return UserError(
        f"{place}: {fact}.",
        why=f"{cause}. A weight without a value in the file would be a random number.",
        do=f"{remedy}.",
        code="weights-missing",
    )


def _cause(
    missing: Collection[str], unexpected: Collection[str], mismatched: Collection[tuple[str, Any, Any]]
) -> tuple[str, str]:
    """Return the likeliest cause of a difference, and its remedy."""
    if (wrapped := _wrapped(unexpected)) is not None:
        return wrapped[1:]
    for name in sorted(unexpected):
        for own in sorted(missing, key=len, reverse=True):
            if name.endswith(f".{own}"):
                extra = f'"{name.removesuffix(own)}"'
                return f"The names in the files begin with {extra}", f"Remove {extra} from the names and save again"
    if mismatched:
        return "The configuration has other sizes than the files", "Use the config.json that belongs to these weights"
    layers = {int(number) for name in unexpected for number in _LAYER.findall(name)}
    if layers and not missing and any(name.endswith(".weight") for name in unexpected):
        held = f"The configuration names fewer layers than the files hold ({max(layers) + 1})"
        return held, "Correct num_hidden_layers in config.json"
    if set(missing) == {"lm_head.weight"}:
        untied = "tie_word_embeddings is false and there is no output layer"
        return untied, "Set tie_word_embeddings to what was trained"
    if missing and not unexpected:
        incomplete = "The files are incomplete, or the configuration names more layers or biases"
        return incomplete, "Copy all files of the model again"
    return "Configuration and weights belong to different models", "Copy both from the same model"


def _wrapped(names: Collection[str]) -> tuple[list[str], str, str] | None:
    """Return the names that a wrapper left, with the cause and the remedy; None without any."""
    for pattern, cause, remedy in _WRAPPERS:
        if found := sorted(name for name in names if re.search(pattern, name)):
            return found, cause, remedy
    return None


def _shards(index: Path) -> list[Path]:
    named = read_object(index).get("weight_map")
    if not isinstance(named, dict) or not named:
        raise UserError(
            f"weight_map in {index} is not an object with entries.",
            why="It says which file holds which weight.",
            do="Save the model again.",
            code="model-config-malformed",
        )
    names = sorted(set(map(str, named.values())))
    for name in names:
        if not name.endswith(".safetensors") or name != Path(name).name or "\\" in name:
            raise UserError(
                f"{index} names the file {name!r}.",
                why="Every part of a model must be a safetensors file in the folder itself.",
                do="Save the model again, or download it again.",
                code="shard-outside-folder",
            )
        if not (index.parent / name).is_file():
            raise UserError(
                f"{index.parent / name}, which {index.name} names, is missing.",
                why=f"It is one of {len(names)} shards of the weights.",
                do="Download the model again.",
                code="shard-missing",
            )
    return [index.parent / name for name in names]


def _once(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise _twice(path, next(name for name in names if names.count(name) > 1))
    return result


def _twice(path: Path, name: str) -> UserError:
    return UserError(
        f"{path} holds the weight {name} twice.",
        why="Which of the two counts would depend on the reader.",
        do="Save the model again.",
        code="weight-named-twice",
    )


def _count(names: Collection[Any]) -> str:
    return f"{len(names):,} weight{'s' * (len(names) != 1)}"


def _listed(names: Collection[str]) -> str:
    shown = list(names)[:_SHOWN]
    return ", ".join(shown) + (", …" if len(names) > _SHOWN else "")
