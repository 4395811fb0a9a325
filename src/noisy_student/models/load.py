"""Loading of a folder, a GGUF file or a hub id as model and tokenizer with consistent stop and pad ids.

No code of the model runs: the folder is checked first, remote code is off, only safetensors are read.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from noisy_student.errors import UserError
from noisy_student.models import gguf, template
from noisy_student.models.folder import check_folder, check_hub_id, folder_digest
from noisy_student.models.spec import Attention, DType, PadRule

# No *.bin: a pickle is not even downloaded.
_WANTED = ["*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "README.md", "LICENSE*", "NOTICE*"]
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

    Raises UserError for a folder with pickled weights, with code, with shards outside of it, or with weights that are
    not finite.
    """
    folder = find_folder(path, revision=revision)
    check_folder(folder)
    logging.disable_progress_bar()
    torch.set_num_threads(threads)
    tokenizer = _tokenizer(folder)
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            attn_implementation=attn,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
        )
    except Exception as error:
        # Its files came from elsewhere: transformers raises whatever their fields lead to.
        raise UserError(
            f"{path} cannot be loaded: {error}.",
            why="Its files do not make a causal language model.",
            do="Download or save the model again.",
            code="model-unloadable",
        ) from error
    _refuse_broken_weights(model, tokenizer, folder)
    model.train(False)
    # On the first GPU that torch sees (CUDA_VISIBLE_DEVICES hides them), else on the CPU.
    if torch.cuda.is_available():
        torch.nn.Module.to(model, "cuda")
    return replace(settle(model, tokenizer, digest=folder_digest(folder), pad=pad), folder=folder)


def load_tokenizer(path: str | Path, *, revision: str | None = None) -> LoadedTokenizer:
    """Load everything but the weights, for engines that read those themselves; raises as ``load`` does."""
    folder = find_folder(path, revision=revision)
    check_folder(folder)
    tokenizer = _tokenizer(folder)
    stated = (folder / "generation_config.json").is_file()
    generation = GenerationConfig.from_pretrained(folder, local_files_only=True) if stated else None
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    room = getattr(config, "max_position_embeddings", sys.maxsize)
    return LoadedTokenizer(tokenizer, template.stop_ids(tokenizer, generation), folder, room)


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
    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder
    if folder.suffix == gguf.SUFFIX and folder.is_file():
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


def _tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as error:
        raise UserError(
            f"The tokenizer in {folder} cannot be loaded: {error}.",
            why="Text becomes tokens through it.",
            do="Put the tokenizer's files beside the weights.",
            code="tokenizer-unloadable",
        ) from error
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    template.check_template(tokenizer)
    return tokenizer


def _refuse_broken_weights(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    embeddings = model.get_input_embeddings().weight
    assert isinstance(embeddings, torch.Tensor)
    rows = len(embeddings)
    if len(tokenizer) > rows:
        raise UserError(
            f"{folder}: the tokenizer has {len(tokenizer)} tokens, the model only {rows}.",
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
