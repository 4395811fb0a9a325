"""Checks and digest of a model folder before anything in it is loaded; no torch.

Weights must be safetensors: a pickle runs code when it is read, and so do ``auto_map`` and its relatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student import files, identity
from noisy_student.errors import UserError

_CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json")
# auto_map: code of the folder's own; trust_remote_code: CVE-2026-5241; the third: CVE-2026-4372.
_CODE_KEYS = frozenset({"auto_map", "trust_remote_code", "_attn_implementation_internal"})
_PICKLES = ("pytorch_model*.bin", "adapter_model*.bin")
# Files that decide how a model computes and how text becomes tokens; a README or a training log does not.
_PARTS = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "additional_chat_templates/*.jinja")
# huggingface_hub's rule (utils/_validators.py), which also forbids "--" and "..".
_HUB_ID = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})?")


def check_hub_id(name: str) -> None:
    """Raise UserError unless ``name``, which is neither a folder nor a file here, can be a model's id on the hub."""
    if name.endswith(".gguf") or not _HUB_ID.fullmatch(name):
        raise UserError(
            f'There is no folder or file "{name}".',
            why="A model is a folder, a GGUF file or a hub id.",
            do="Check the path.",
            code="model-not-found",
        )


def check_folder(folder: Path) -> None:
    """Raise UserError unless ``folder`` holds a model that loads without running code of its own."""
    for path in sorted(path for pattern in _PICKLES for path in folder.glob(pattern)):
        raise UserError(
            f"{path} is a pickle.",
            why="Reading a pickle can run any code.",
            do="Save the model as safetensors and remove that file.",
            code="pickled-weights",
        )
    # from_pretrained follows adapter_config.json to whatever base model it names.
    if (folder / "adapter_config.json").exists():
        raise UserError(
            f"{folder} holds an adapter (adapter_config.json).",
            why="An adapter names its base model itself, and that could be any other model.",
            do="Merge the adapter into its base model and save the result (a condition's lora.merge = true does).",
            code="adapter-as-model",
        )
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder} holds no config.json.",
            why="A model folder has config.json, the tokenizer's files and *.safetensors.",
            do="Give the folder that save_pretrained wrote, or a hub id.",
            code="model-folder-incomplete",
        )
    for name in _CONFIGS:
        if (folder / name).is_file():
            _refuse_code(folder / name)
    for index in sorted(folder.glob("*.index.json")):
        _refuse_stray_shards(index)
    if not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{folder} holds no *.safetensors.",
            why="No other weight format is read.",
            do="Save the model as safetensors.",
            code="model-folder-incomplete",
        )


def folder_digest(folder: Path) -> str:
    """Return the digest of names and sha256 of a folder's configuration, tokenizer and weight files.

    The folder's path and other files, such as a README, do not count.
    """
    parts = {path for pattern in _PARTS for path in folder.glob(pattern) if path.is_file()}
    return identity.digest({path.relative_to(folder).as_posix(): files.sha256_file(path) for path in parts})


def stored_dtype(folder: Path) -> str | None:
    """Return the type of a model folder's weights by its config.json; None where that names no type."""
    config = read_config(folder)
    found = config.get("dtype") or config.get("torch_dtype")
    return found if isinstance(found, str) else None


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config.json of a model folder, with or without a byte order mark; empty where it has none."""
    path = folder / "config.json"
    if not path.is_file():
        return {}
    found = files.parse_json(path.read_text(encoding="utf-8-sig"), place=str(path))
    return found if isinstance(found, dict) else {}


def own_file(path: Path, folder: Path) -> bool:
    """Return whether ``path`` is a file of the model in ``folder``; a link out of it counts in the hub's cache only.

    The cache keeps files once, in ``blobs`` beside the snapshots; any other link could show a file of the user's.
    """
    home = folder.resolve()
    real = path.resolve()
    places = [home, *([home.parent.parent / "blobs"] if home.parent.name == "snapshots" else [])]
    return real.is_file() and any(real.is_relative_to(place) for place in places)


def _object(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UserError(
            f"{place} is {type(value).__name__}, not an object.",
            why="A model's configuration is made of JSON objects.",
            do="Save the model again.",
            code="model-config-malformed",
        )
    return value


def _refuse_code(path: Path) -> None:
    for key in sorted(_CODE_KEYS.intersection(_keys(_object(files.read_json(path), f"The content of {path}")))):
        raise UserError(
            f'{path} holds "{key}".',
            why="Loading would run code that came with the model.",
            do="Remove this entry if transformers knows the architecture; else use another model.",
            code="code-in-model-folder",
        )


def _refuse_stray_shards(index: Path) -> None:
    content = _object(files.read_json(index), f"The content of {index}")
    for name in _object(content.get("weight_map"), f"weight_map in {index}").values():
        plain = isinstance(name, str) and name.endswith(".safetensors") and name == Path(name).name and "\\" not in name
        if not plain or not (index.parent / name).is_file():
            raise UserError(
                f"{index} names the file {name!r}.",
                why="Every part of a model must be a safetensors file in the folder itself.",
                do="Save the model again, or download it again.",
                code="shard-outside-folder",
            )


def _keys(value: Any) -> Iterator[str]:
    """Yield every key of a JSON value at any depth."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _keys(item)
    elif isinstance(value, list):
        for item in value:
            yield from _keys(item)
