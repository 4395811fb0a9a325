"""Model folders that plain ``from_pretrained`` reads, in transformers 4.57 as in 5: weights, settings and tokenizer.

Transformers 5 writes what 4.57 reads wrongly without an error (rotary settings under another name, so theta becomes
10,000) or not at all (a list of extra special tokens, the tokenizer class TokenizersBackend).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from noisy_student import files
from noisy_student.models.folder import check_folder, folder_digest, own_file, read_config
from noisy_student.models.load import LoadedModel

GENERATION = "generation_config.json"
TOKENIZER = "tokenizer_config.json"
BACKEND = "tokenizer.json"
_TOKENIZER_FILES = (
    BACKEND, TOKENIZER, "special_tokens_map.json", "added_tokens.json", "vocab.json", "vocab.txt", "merges.txt",
    "*.model", "tokenizer.model.*", "*.tiktoken", "tekken.json",
    "chat_template.jinja", "chat_template.json", "additional_chat_templates/*.jinja",
)  # fmt: skip
_NEW_CLASSES = frozenset({"TokenizersBackend", "PythonBackend", "SentencePieceBackend"})
"""Tokenizer classes that transformers 4 lacks."""
_NOT_KEPT = frozenset({"_name_or_path", "torch_dtype", "quantization_config"})
"""Fields of a base's config.json that do not hold for a student's weights."""
_PROBE = "user\n\n Tom has 1,234.5 apples;  Ann gives 7 - na\u00efve \u6771\u4eac\tx_y #### 42\n"
"""Text with all that tokenizers cut differently: digits, runs of blanks, other scripts."""


def save(loaded: LoadedModel, folder: Path, *, dtype: str | None = None) -> str:
    """Write weights (safetensors), tokenizer and generation config; return the folder's digest.

    The model itself is converted to ``dtype`` first. Equal weights give equal bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if dtype is not None:
        torch.nn.Module.to(loaded.model, getattr(torch, dtype))
    loaded.model.save_pretrained(folder)
    path = folder / "config.json"
    base = read_config(loaded.folder) if loaded.folder is not None else {}
    files.write_json(path, dict(sorted(in_both_versions(files.read_json(path), base).items())))
    write_tokenizer(loaded, folder)
    check_folder(folder)
    return folder_digest(folder)


def in_both_versions(config: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config.json of transformers 5 with the rotary settings under the names of 4.57 as well.

    A base in the old form keeps its own fields, which hold what 4.57 needs for any architecture.
    """
    rope = config.get("rope_parameters")
    if base.get("model_type") == config.get("model_type") and "rope_parameters" not in base:
        return {name: value for name, value in base.items() if name not in _NOT_KEPT} | dict(config)
    return dict(config) if not rope else {**config, **_old_rope(rope)}


def _old_rope(rope: Mapping[str, Any]) -> dict[str, Any]:
    """Rotary settings as transformers 4 names them; Gemma 3 nests them by the type of a layer."""
    main = rope.get("full_attention") or rope
    scaling = {name: value for name, value in main.items() if name not in ("rope_theta", "partial_rotary_factor")}
    old = {
        "rope_theta": main.get("rope_theta"),
        "rope_scaling": None if scaling.get("rope_type", "default") == "default" else scaling,
        "partial_rotary_factor": main.get("partial_rotary_factor"),
        "rope_local_base_freq": (rope.get("sliding_attention") or {}).get("rope_theta"),
    }
    return {name: value for name, value in old.items() if value is not None}


def write_tokenizer(loaded: LoadedModel, folder: Path) -> None:
    """Write the tokenizer: the base's own files where they give the same ids; and file modes as the umask decides.

    Names in tokenizer_config.json that 4.57 does not know are replaced by those that both versions read.
    """
    loaded.tokenizer.save_pretrained(folder)
    if loaded.folder is not None and _same_ids(loaded, loaded.folder / BACKEND):
        found = {path for pattern in _TOKENIZER_FILES for path in loaded.folder.glob(pattern)}
        for path in sorted(path for path in found if own_file(path, loaded.folder)):
            target = folder / path.relative_to(loaded.folder)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)
    written = files.read_json(folder / TOKENIZER)
    config = {"tokenizer_class": type(loaded.tokenizer).__name__, **written}
    if config["tokenizer_class"] in _NEW_CLASSES and (folder / BACKEND).is_file():
        config["tokenizer_class"] = "PreTrainedTokenizerFast"
    if isinstance(config.get("extra_special_tokens"), list):
        extra = config.pop("extra_special_tokens")
        config["additional_special_tokens"] = [*(config.get("additional_special_tokens") or ()), *extra]
    if config != written:
        files.write_json(folder / TOKENIZER, config)
    # safetensors writes for the owner alone; this file has the mode of a newly opened one.
    mode = (folder / TOKENIZER).stat().st_mode & 0o777
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(mode)


def _same_ids(loaded: LoadedModel, backend: Path) -> bool:
    """True unless transformers 5 built another tokenizer than the file describes, as it does for some classes."""
    if not backend.is_file():
        return True
    read = Tokenizer.from_file(str(backend))
    probes = [_PROBE, *loaded.tokenizer.all_special_tokens]
    return all(read.encode(text).ids == loaded.tokenizer.encode(text) for text in probes)
