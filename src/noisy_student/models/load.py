"""Loading of a folder, a GGUF file or a hub id as model and tokenizer with consistent stop and pad ids.

No code of the model runs: the folder is checked first, remote code is off, only safetensors are read.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from noisy_student.errors import UserError
from noisy_student.models import gguf, template
from noisy_student.models.folder import (
    PARTS,
    check_folder,
    check_hub_id,
    folder_digest,
    is_gguf,
    local_path,
    no_vocabulary,
    resolve,
    without_marks,
)
from noisy_student.models.spec import Attention, DType, PadRule
from noisy_student.models.weights import refuse_difference

# No *.bin: a pickle is not even downloaded.
_WANTED = [*PARTS, "README.md", "LICENSE*", "NOTICE*"]
_CONSTANTS = re.compile(r"\.(?:masked_bias|position_ids|inv_freq)$")
"""Names of constant buffers that older versions of transformers saved."""
_PROBE = "2 + 2 = 4"
KINDS = ("qwen2", "qwen3", "llama")
ROPES = ("default", "llama3", "linear", "yarn")
"""Rotary embeddings with angles that do not depend on the length of the text."""


@dataclass(frozen=True, slots=True)
class LoadedTokenizer:
    """A model without its weights: tokenizer, stop ids, folder, and the context in tokens."""

    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    folder: Path
    context: int


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model in memory with its tokenizer; ``digest`` is that of its folder.

    ``turn_end_id`` ends an assistant's turn and is the last token a chat student learns; ``folder`` holds the files
    of the tokenizer, None for a model that was made in memory.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    stop_ids: frozenset[int]
    pad_id: int
    turn_end_id: int
    digest: str
    folder: Path | None = None


def load(
    path: str | Path,
    *,
    dtype: DType = "float32",
    attn: Attention = "sdpa",
    threads: int = 1,
    revision: str | None = None,
    pad: PadRule = "apart",
) -> LoadedModel:
    """Load a model in evaluation mode from a folder or a GGUF file, or from the hub through its local cache.

    Raises UserError for a folder with pickled weights, with code, with shards outside of it, with other weights than
    those of its architecture, or with weights that are not finite.
    """
    torch.set_num_threads(threads)
    folder, clean, tokenizer = _checked(path, revision)
    model = _read(clean, path, dtype=getattr(torch, dtype), attn_implementation=attn)
    _refuse_broken_weights(model, tokenizer, folder)
    model.train(False)
    # On the first GPU that torch sees (CUDA_VISIBLE_DEVICES hides them), else on the CPU.
    if torch.cuda.is_available():
        torch.nn.Module.to(model, "cuda")
    # Files with byte order marks are not handed on to students: plain transformers cannot read them.
    own = folder if clean == folder else None
    return replace(settle(model, tokenizer, digest=folder_digest(folder), pad=pad), folder=own)


def load_tokenizer(path: str | Path, *, revision: str | None = None) -> LoadedTokenizer:
    """Load everything but the weights, for engines that read those themselves; raises as ``load`` does."""
    _, folder, tokenizer = _checked(path, revision)
    generation = None
    if (folder / "generation_config.json").is_file():
        with _loading(path):
            generation = GenerationConfig.from_pretrained(folder, local_files_only=True)
    room = getattr(_config(folder, path), "max_position_embeddings", sys.maxsize)
    return LoadedTokenizer(tokenizer, template.stop_ids(tokenizer, generation), folder, room)


def _checked(path: str | Path, revision: str | None) -> tuple[Path, Path, PreTrainedTokenizerBase]:
    """Return the folder of a model that was checked, the one without byte order marks, and the tokenizer.

    Of the weights only names and shapes are read.
    """
    folder = find_folder(path, revision=revision)
    check_folder(folder)
    clean = without_marks(folder)
    # Quantised weights have other names and shapes until their own packages have read them.
    if not hasattr(_config(clean, path), "quantization_config"):
        _read(clean, path, device_map={"": "meta"})
    return folder, clean, _tokenizer(clean)


def settle(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, *, digest: str, pad: PadRule = "apart"
) -> LoadedModel:
    """Choose stop and pad ids and write them into the tokenizer and both configs, so that all agree."""
    config = model.generation_config
    stops = template.stop_ids(tokenizer, config)
    end = template.turn_end_id(tokenizer)
    end = min(stops) if end is None else end
    eos = tokenizer.eos_token_id
    padding = (eos if isinstance(eos, int) else end) if pad == "eos" else template.pad_id(tokenizer, stops)
    tokenizer.pad_token = str(tokenizer.convert_ids_to_tokens(padding))
    model.config.pad_token_id = padding
    if config is not None:
        config.pad_token_id = padding
        config.eos_token_id = sorted(stops)
    return LoadedModel(model, tokenizer, stops, padding, end, digest)


def unsupported_reason(model: PreTrainedModel) -> str | None:
    """Return the reason why a model is not a plain decoder, None if it is; code that reads its weights fits no other.

    Plain is full attention with rotary positions, as in Llama, Qwen2 and Qwen3.
    """
    config = model.config
    kind = getattr(config, "model_type", "")
    if kind not in KINDS:
        return f"its architecture is {kind or 'not known'}"
    if getattr(config, "hidden_act", "silu") != "silu":
        return f"its activation is {config.hidden_act}"
    layers = set(getattr(config, "layer_types", None) or ())
    if layers - {"full_attention"}:
        return "it attends through a sliding window"
    rope = str((getattr(config, "rope_parameters", None) or {}).get("rope_type", "default"))
    if rope not in ROPES:
        return f"its rotary angles ({rope}) depend on the length of the text"
    return None


def find_folder(path: str | Path, *, revision: str | None = None) -> Path:
    """Return the local folder of a model; a hub id is fetched into the hub's cache, or found there when offline."""
    folder = local_path(path)
    if folder.is_dir():
        return resolve(folder, revision)
    if is_gguf(folder):
        return gguf.folder_of(folder)
    name = str(path)
    check_hub_id(name)
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=_WANTED))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        raise UserError(
            f"{name} is neither a folder nor a model that the hub provides now.",
            why=str(error).split("\n", maxsplit=1)[0],
            do="Check the name and the network, or give a local folder with --model.",
            code="model-not-found",
        ) from error


def _read(folder: Path, place: Path | str, **options: Any) -> PreTrainedModel:
    """Read a model whose weights are all in its files."""
    with _loading(place), gguf.quiet():
        read: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # they are named below
            **options,
        )
    model, found = read
    unexpected = {name for name in found["unexpected_keys"] if not _CONSTANTS.search(name)}
    refuse_difference(place, found["missing_keys"], unexpected, found["mismatched_keys"])
    assert isinstance(model, PreTrainedModel)
    return model


def _config(folder: Path, place: Path | str) -> PreTrainedConfig:
    with _loading(place):
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    assert isinstance(config, PreTrainedConfig)
    return config


@contextmanager
def _loading(place: Path | str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # Its files came from elsewhere: transformers raises whatever their fields lead to.
        raise UserError(
            f"{place} cannot be loaded: {error}.",
            why="Its files do not make a causal language model.",
            do="Download or save the model again.",
            code="model-unloadable",
        ) from error


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        probe = tokenizer.encode(_PROBE)
    except Exception as error:
        raise UserError(
            f"The tokenizer in {folder} cannot be loaded: {error}.",
            why="Text becomes tokens through it.",
            do="Put the tokenizer's files beside the weights.",
            code="tokenizer-unloadable",
        ) from error
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    # Without its vocabulary a tokenizer has its added tokens only, and writes every text as nothing.
    if len(tokenizer.get_vocab()) <= len(tokenizer.added_tokens_decoder) or not probe:
        raise no_vocabulary(folder, "it writes a text as no token at all")
    template.check_template(tokenizer)
    return tokenizer


def _refuse_broken_weights(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    embeddings = model.get_input_embeddings().weight
    assert isinstance(embeddings, torch.Tensor)
    rows = len(embeddings)
    # A special token of another modality may have no row (Gemma 3 1B): no text becomes one.
    used = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id}
    spare = template.special_ids(tokenizer) - used
    tokens = max(token for token in tokenizer.get_vocab().values() if token < rows or token not in spare) + 1
    if tokens > rows:
        raise UserError(
            f"{folder}: the tokenizer has {tokens} tokens, the model only {rows}.",
            why="Some tokens would have no embedding.",
            do="Use the tokenizer that the model was trained with.",
            code="tokenizer-of-another-model",
        )
    for name, weight in model.named_parameters():
        # One pass without a copy; both ends are NaN if any weight is.
        low, high = torch.aminmax(weight)
        if not (torch.isfinite(low) and torch.isfinite(high)):
            raise UserError(
                f"{folder}: the weight {name} holds NaN or infinity.",
                why="Every answer of this model would be meaningless.",
                do="Download the model again, or use an earlier checkpoint.",
                code="weights-not-finite",
            )
