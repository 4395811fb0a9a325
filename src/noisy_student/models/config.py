"""JSON files of a model folder: strict, of bounded size, without code and with token ids that are numbers; no torch.

A key of a configuration can make transformers run code: a class in the folder, or a kernel fetched from the hub.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.errors import UserError

_CAP = 100_000_000  # bytes; the largest known, a tokenizer, has about 35 million
_POINTER = b"version https://git-lfs.github.com/spec/"
_CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json", "*processor_config.json")
# auto_map: code of the folder's own; trust_remote_code: CVE-2026-5241; the third: CVE-2026-4372; the others are
# arguments of from_pretrained, generate and pipeline that name code on the hub.
_CODE_KEYS = frozenset(
    {
        *("auto_map", "trust_remote_code", "_attn_implementation_internal", "custom_generate", "custom_pipelines"),
        *("allow_all_kernels", "kernel_config", "use_kernels"),
    }
)
_CACHES = re.compile(r"[a-z_]+")
# Their files or classes would be others than those that are checked and digested here.
_REDIRECTIONS = frozenset({"transformers_weights", "configuration_files", "fast_tokenizer_files", "fusion_config"})
# Most that a configuration may count, by its key: transformers makes an entry or a module of each before any check.
_COUNTS = ((re.compile(r"layers?$"), 1_000), (re.compile(r"^(?:num|n)_"), 100_000))
_TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
_NUMBERS = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "max_length", "max_new_tokens"),
    "model_max_length",
)
"""Fields of the configurations of generation and tokenizer that are numbers."""


def check_configs(folder: Path) -> None:
    """Raise UserError for a configuration in ``folder`` that is malformed, brings code, or is of wrong types."""
    for path in sorted({path for pattern in _CONFIGS for path in folder.glob(pattern) if path.is_file()}):
        content = read_object(path)
        for key, value in _items(content):
            _refuse_code(path, key, value)
        if path.name in ("config.json", "generation_config.json"):
            _check_ids(path, content)
            _check_counts(path, content)
        if path.name != "config.json":
            _check_numbers(path, content)


def refuse_pointer(path: Path) -> None:
    """Raise UserError for a file that cannot be read, and for a Git LFS pointer, or of one that was not downloaded."""
    try:
        with path.open("rb") as file:
            if file.read(len(_POINTER)) != _POINTER:
                return
    except OSError as error:
        raise UserError(
            f"{path} cannot be read: {error.strerror}.",
            why="It is a part of the model.",
            do="Check its permissions, or download the model again.",
            code="model-file-unreadable",
        ) from error
    raise UserError(
        f"{path} is a Git LFS pointer.",
        why="The repository was cloned without its large files: this file only names the real one.",
        do="Run git lfs pull in that folder, or download the model again.",
        code="git-lfs-pointer",
    )


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a model, with or without a byte order mark."""
    refuse_pointer(path)
    if path.stat().st_size > _CAP:
        raise UserError(
            f"{path} has {path.stat().st_size:,} bytes.",
            why=f"Known files of its kind are smaller than {_CAP:,}.",
            do="Save the model again.",
            code="model-config-malformed",
        )
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path} is not UTF-8 at byte {error.start}.",
            why="A model's configuration is JSON in UTF-8.",
            do="Convert the file to UTF-8.",
            code="not-utf8",
        ) from error
    value = files.parse_json(text, place=str(path))
    if not isinstance(value, dict):
        raise UserError(
            f"The content of {path} is {type(value).__name__}, not an object.",
            why="A model's configuration is made of JSON objects.",
            do="Save the model again.",
            code="model-config-malformed",
        )
    return value


def _refuse_code(path: Path, key: str, value: Any) -> None:
    if key in _REDIRECTIONS and value is not None:
        raise UserError(
            f'{path} holds "{key}".',
            why="It would make transformers read other files, or other classes, than those that are checked.",
            do="Remove this entry, or save the model again.",
            code="model-config-redirects",
        )
    if key not in _CODE_KEYS and not _names_code(key, value):
        return
    raise UserError(
        f'{path} holds "{key}".',
        why="It names code that would run: the model's, the hub's, or other code than the settings ask for.",
        do="Remove this entry if transformers knows the architecture; else use another model.",
        code="code-in-model-folder",
    )


def _names_code(key: str, value: Any) -> bool:
    """Return whether a key names an implementation: transformers fetches it from the hub, or prefers it to ours.

    Sizes such as ``conv_kernel_size`` are numbers, or lists of numbers.
    """
    if key == "cache_implementation":
        return not (value is None or (isinstance(value, str) and _CACHES.fullmatch(value)))
    if key.endswith(("_implementation", "_implementation_internal")) or key == "implementation":
        return value is not None
    return "kernel" in key and any(isinstance(item, str | dict) for item in _flat(value))


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _check_ids(path: Path, content: dict[str, Any]) -> None:
    for key, value in _items(content):
        if key in _TOKEN_IDS:
            # Llama 1 wrote -1 for "no padding".
            least = -1 if key == "pad_token_id" else 0
            ids = _flat(value) if value is not None else []
            if not all(type(token) is int and token >= least for token in ids):
                raise _of_another_type(path, key, value, "A token id is a whole number.")


def _check_counts(path: Path, content: dict[str, Any]) -> None:
    for key, value in _items(content):
        for pattern, most in _COUNTS:
            if isinstance(value, int | float) and value > most and pattern.search(key):
                raise _of_another_type(path, key, value, f"More than {most:,} would fill the memory.")


def _check_numbers(path: Path, content: dict[str, Any]) -> None:
    for key, value in content.items():
        if key in _NUMBERS and not (value is None or type(value) in (int, float)):
            raise _of_another_type(path, key, value, "It is a number.")


def _of_another_type(path: Path, key: str, value: Any, why: str) -> UserError:
    return UserError(
        f"{path}: {key} is {json.dumps(value)[:80]}.",
        why=why,
        do="Correct this entry, or copy the file from the original model.",
        code="model-config-malformed",
    )


def _items(document: Any) -> Iterator[tuple[str, Any]]:
    """Yield every key of a JSON value at any depth, with what stands under it."""
    values = [document]
    while values:
        value = values.pop()
        if isinstance(value, dict):
            yield from value.items()
            values += value.values()
        elif isinstance(value, list):
            values += value
