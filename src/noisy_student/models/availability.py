"""Facts of a model before it is loaded: its place on this machine or on the hub, chat template, weights."""

from __future__ import annotations

import difflib
from math import prod
from pathlib import Path

from noisy_student.errors import UserError
from noisy_student.models import lab
from noisy_student.models.config import read_object
from noisy_student.models.folder import local_path, resolve
from noisy_student.models.spec import ModelSpec
from noisy_student.models.weights import tensors

_METADATA = 100_000_000
"""Bytes at the start of a GGUF file that hold its metadata; the tokens' texts take a few million of them."""
_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_SECONDS = 10.0
"""Longest wait for an answer of the hub."""
_TOKENIZERS = ("tokenizer_config.json", "tokenizer.json", "tokenizer.model", "vocab.json")


def local(model: ModelSpec) -> Path | None:
    """Return the model's folder or GGUF file on this machine; None for a hub model that is not cached."""
    if model.id in lab.names():
        return lab.WEIGHTS / model.id
    path = local_path(model.id)
    if path.exists():
        return resolve(path, model.revision)
    # Only hub models need the hub's library.
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model.id, "config.json", revision=model.revision)
    folder = Path(found).parent if isinstance(found, str) else None
    # A snapshot without a tokenizer is a part: of another program, or of a download that was stopped.
    return folder if folder is not None and any((folder / name).is_file() for name in _TOKENIZERS) else None


def hub_fault(model: ModelSpec) -> UserError | None:
    """Return the fault of a model that is not on this machine; None if the hub has it."""
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    why = "The hub is switched off (HF_HUB_OFFLINE)."
    if not constants.HF_HUB_OFFLINE:
        try:
            HfApi().model_info(model.id, revision=model.revision, timeout=_SECONDS)
        except GatedRepoError:
            why = "The hub gives this model only to accounts that accepted its terms."
        except (RepositoryNotFoundError, RevisionNotFoundError):
            why = "The hub has no such model, or it is private."
        except Exception as error:
            # The network's libraries raise what they like.
            why = f"The hub cannot be asked: {type(error).__name__}."
        else:
            return None
    near = sorted(difflib.get_close_matches(model.id.lower(), lab.names(), n=4))
    words = f"Did you mean {' or '.join(near)}? Else check" if near else "Check"
    return UserError(
        f'The model "{model.id}" is neither a lab model, nor a folder, nor in the hub\'s cache here.',
        why=why,
        do=f"{words} the name, or give a folder or a GGUF file with --model.",
        code="model-not-found",
    )


def require_template(name: str, folder: Path) -> None:
    """Raise UserError for a model whose tokenizer has no chat template, where prompts are chats."""
    if folder.is_dir():
        config = folder / "tokenizer_config.json"
        known = config.is_file() and bool(read_object(config).get("chat_template"))
        known = known or any((folder / file).is_file() for file in _TEMPLATES)
    else:
        with folder.open("rb") as file:
            known = b"tokenizer.chat_template" in file.read(_METADATA)
    if not known:
        raise UserError(
            f"The tokenizer of {name} has no chat template, and prompt.style is chat.",
            why="Base models without one are asked in raw text.",
            do="Give --set prompt.style=raw, or use the model's instruct version.",
            code="chat-template-missing",
        )


def parameters(folder: Path) -> int | None:
    """Return the number of weights in the safetensors that are read; None for a GGUF file or damaged weights."""
    try:
        return sum(map(prod, tensors(folder).values())) or None
    except UserError:
        return None
