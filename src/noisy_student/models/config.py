"""JSON files of a model folder: strict, of bounded size, without code and with token ids that are numbers; no torch.

A key of a configuration can make transformers run code: a class in the folder, or a kernel fetched from the hub.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noisy_student import files, opener
from noisy_student.errors import UserError

_CAP = 100_000_000  # bytes; the largest known, the index of a model with many experts, has about 10 million
_CONFIGS = ("config.json", "generation_config.json", "tokenizer_config.json", "*processor_config.json")
# auto_map: code of the folder's own; trust_remote_code: CVE-2026-5241; _attn_implementation_internal: CVE-2026-4372;
# other implementations and kernels: code on the hub, or other than that of the settings; custom_*: arguments of
# generate and pipeline that name code; the last four: other files or classes than those that are checked and digested.
_FOREIGN = re.compile(
    r"auto_map|trust_remote_code|implementation|\w*_implementation(?:_internal)?"
    r"|custom_generate|custom_pipelines|allow_all_kernels|kernel_config|use_kernels"
    r"|transformers_weights|configuration_files|fast_tokenizer_files|fusion_config"
)
_CACHES = re.compile(r"[a-z_]+")
# Most that a configuration may count, by its key: transformers makes an entry or a module of each before any check.
_COUNTS = ((re.compile(r"layers?$"), 1_000), (re.compile(r"^(?:num|n)_"), 100_000))
_TOKEN_IDS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")
_NUMBERS = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "repetition_penalty", "max_length", "max_new_tokens"),
    "model_max_length",
)


def check_configs(folder: Path) -> None:
    """Raise UserError for a configuration in ``folder`` that is malformed, brings code, or is of wrong types."""
    for path in sorted({path for pattern in _CONFIGS for path in folder.glob(pattern)}):
        for key, value in _items(read_object(path)):
            shown = f"{path}: {key} is {json.dumps(value)[:80]}."
            if _names_code(key, value):
                raise UserError(
                    shown,
                    why="It names code that would run, or files and classes other than those that are checked.",
                    do="Remove this entry if transformers knows the architecture; else use another model.",
                    code="code-in-model-folder",
                )
            if (fault := _fault(key, value)) is not None:
                raise UserError(
                    shown,
                    why=fault,
                    do="Correct this entry, or copy the file from the original model.",
                    code="model-config-malformed",
                )


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a model, with or without a byte order mark."""
    try:
        # UTF-8 alone, since transformers reads nothing else.
        text = opener.read_bytes(path, largest=_CAP).decode("utf-8-sig")
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


def _names_code(key: str, value: Any) -> bool:
    if value is None or value is False:
        return False
    if key == "cache_implementation":
        return not (isinstance(value, str) and _CACHES.fullmatch(value))
    # Sizes such as conv_kernel_size are numbers, or lists of numbers.
    kernel = "kernel" in key and any(isinstance(item, str | dict) for item in _flat(value))
    return kernel or _FOREIGN.fullmatch(key) is not None


def _fault(key: str, value: Any) -> str | None:
    """Return the reason for which a value cannot be used; None if it can."""
    if key in _TOKEN_IDS:
        # Llama 1 wrote -1 for "no padding".
        least, ids = -1 if key == "pad_token_id" else 0, [] if value is None else _flat(value)
        return None if all(type(token) is int and token >= least for token in ids) else "A token id is a whole number."
    if key in _NUMBERS and not (value is None or type(value) in (int, float)):
        return "It is a number."
    for pattern, most in _COUNTS:
        if pattern.search(key) and any(isinstance(item, int | float) and item > most for item in _flat(value)):
            return f"More than {most:,} would fill the memory."
    return None


def _flat(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
