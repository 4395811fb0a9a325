"""Checks and digest of a model folder before anything in it is loaded; no torch.

Weights must be safetensors: a pickle runs code when it is read, and so do ``auto_map`` and its relatives.
"""

from __future__ import annotations

import atexit
import codecs
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from noisy_student import files, identity, opener
from noisy_student.errors import UserError
from noisy_student.models.config import check_configs, read_object
from noisy_student.models.weights import check_decoder, tensors

GGUF = ".gguf"
_GGUF_SHARD = re.compile(r"(?P<name>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(?P<suffix>\.[Gg][Gg][Uu][Ff])")
# Files of which one makes a tokenizer; the libraries' own names.
_VOCABULARIES = ("tokenizer.json", "tekken.json", "vocab.json", "vocab.txt", "*.model", "*.tiktoken")
_PICKLES = ("pytorch_model*.bin", "adapter_model*.bin")
# Files that decide how a model computes and how text becomes tokens; a README or a training log does not.
PARTS = (
    *("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken"),
    "additional_chat_templates/*.jinja",
)
_REF = 1_000  # bytes of a file that names a commit
# huggingface_hub's rule (utils/_validators.py), which also forbids "--" and "..".
_HUB_ID = re.compile(r"(?!.*(?:--|\.\.))[A-Za-z0-9_][A-Za-z0-9_.-]{0,95}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,95})?")


def local_path(name: str | Path) -> Path:
    """Return a path with ``~`` and ``~user`` as the home folder; unchanged where there is no such user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def check_hub_id(name: str) -> None:
    """Raise UserError unless ``name``, which is neither a folder nor a model file here, can be a model's hub id."""
    file = local_path(name).is_file()
    if file or name.lower().endswith(GGUF) or not _HUB_ID.fullmatch(name):
        raise UserError(
            f"{name} is a file, and not a GGUF file." if file else f'There is no folder or file "{name}".',
            why="A model is a folder, a GGUF file or a hub id.",
            do=f"Give the folder of the model's files; {name} lies in {local_path(name).absolute().parent}."
            if file
            else "Check the path.",
            code="model-not-found",
        )


def is_gguf(path: Path) -> bool:
    """Return whether a file is read as GGUF: by its name in any case, or by its first bytes."""
    return path.is_file() and (path.suffix.lower() == GGUF or begins(path, b"GGUF"))


def begins(path: Path, first: bytes) -> bool:
    """Return whether a regular file begins with these bytes; False for one that cannot be read."""
    try:
        with opener.open_regular(path) as file:
            return file.read(len(first)) == first
    except (OSError, UserError):
        return False


def gguf_shards(path: Path) -> tuple[Path, ...]:
    """Return the files of a split GGUF model in order, any of which may be ``path``; else ``path`` alone.

    Raises UserError for a shard that is missing. llama.cpp names shards ``NAME-00001-of-00002.gguf``.
    """
    split = _GGUF_SHARD.fullmatch(path.name)
    count = int(split["count"]) if split is not None else 1
    if split is None or count < 2:
        return (path,)
    found = []
    for number in range(1, count + 1):
        found.append(path.with_name(f"{split['name']}-{number:05}-of-{count:05}{split['suffix']}"))
        if not found[-1].is_file():
            raise UserError(
                f"{path} is one of {count} shards, and {found[-1].name} is not beside it.",
                why="Each shard holds a part of the weights.",
                do="Download all shards into one folder, or merge them with llama-gguf-split --merge.",
                code="shard-missing",
            )
    return tuple(found)


def gguf_digest(path: Path) -> str:
    """Return the digest of a GGUF file's bytes, or of all shards of its model."""
    digests = [files.sha256_file(shard) for shard in gguf_shards(path)]
    return digests[0] if len(digests) == 1 else identity.digest(digests)


def resolve(folder: Path, revision: str | None = None) -> Path:
    """Return the snapshot in a folder of the hub's cache (``models--org--name``), any other folder itself.

    Raises UserError where the cache holds several snapshots and does not say which is meant.
    """
    snapshots = folder / "snapshots"
    if (folder / "config.json").exists() or not snapshots.is_dir():
        return folder
    ref = folder / "refs" / (revision or "main")
    wanted = opener.read_text(ref, largest=_REF).strip() if ref.is_file() else revision
    there = sorted(path.name for path in snapshots.iterdir() if path.is_dir())
    if wanted is None and len(there) == 1:
        wanted = there[0]
    if wanted not in there:
        raise UserError(
            f"{folder} is a cache of the hub without the snapshot {wanted or 'of main'}.",
            why=f"Its snapshots are: {', '.join(there) or 'none'}.",
            do=f"Give one of them with --model {snapshots}/COMMIT, or download the model again.",
            code="model-folder-incomplete",
        )
    return snapshots / wanted


def check_folder(folder: Path) -> None:
    """Raise UserError unless ``folder`` holds a model that loads without running code of its own.

    Weights are known by the headers of their files only: that they are those of the architecture shows on loading.
    """
    # from_pretrained follows adapter_config.json to whatever base model it names.
    if (folder / "adapter_config.json").exists():
        raise UserError(
            f"{folder} holds an adapter (adapter_config.json).",
            why="An adapter names its base model itself, and that could be any other model.",
            do="Merge the adapter into its base model and save the result (a condition's lora.merge = true does).",
            code="adapter-as-model",
        )
    if not (folder / "config.json").is_file():
        raise _no_model(folder)
    if (folder / "custom_generate").exists():
        raise UserError(
            f"{folder} holds custom_generate.",
            why="It is code that generate would run.",
            do="Remove it, or use another model.",
            code="code-in-model-folder",
        )
    for path in sorted(_matching(folder, PARTS)):
        opener.require_whole(path)
    check_configs(folder)
    pickles = sorted(_matching(folder, _PICKLES))
    if pickles and not any(folder.glob("*.safetensors")):
        raise UserError(
            f"{pickles[0]} is a pickle, and there are no safetensors.",
            why="Reading a pickle can run any code.",
            do="Save the model as safetensors.",
            code="pickled-weights",
        )
    check_decoder(folder, tensors(folder))
    if not _matching(folder, _VOCABULARIES):
        raise no_vocabulary(folder, "the folder holds neither tokenizer.json nor another one")


def no_vocabulary(folder: Path, fact: str) -> UserError:
    """Return the error for a tokenizer that cannot write text as tokens."""
    return UserError(
        f"{folder}: the tokenizer has no vocabulary.",
        why=f"Text becomes tokens through it, and {fact}.",
        do="Copy tokenizer.json and tokenizer_config.json from the original model into the folder.",
        code="tokenizer-without-vocabulary",
    )


def _matching(folder: Path, patterns: Iterable[str]) -> set[Path]:
    return {path for pattern in patterns for path in folder.glob(pattern)}


def without_marks(folder: Path) -> Path:
    """Return a folder of the same content in which no text file begins with a byte order mark.

    That is ``folder`` itself, or links to its files in a folder that lives as long as the process.
    """
    texts = _matching(folder, ("*.json", "*.jinja", "*.txt"))
    marked = [path for path in texts if begins(path, codecs.BOM_UTF8)]
    if not marked:
        return folder
    clean = Path(tempfile.mkdtemp(prefix="noisy-student-"))
    atexit.register(shutil.rmtree, clean, ignore_errors=True)
    for path in folder.iterdir():
        (clean / path.name).symlink_to(path.resolve())
    for path in marked:
        (clean / path.name).unlink()
        (clean / path.name).write_bytes(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    return clean


def _no_model(folder: Path) -> UserError:
    """Return an error for a folder without config.json that names the models in it."""
    inside = {path.parent.name for name in ("config.json", "adapter_config.json") for path in folder.glob(f"*/{name}")}
    inside |= {path.name for path in folder.iterdir() if path.match("models--*") or is_gguf(path)}
    models = sorted(inside, key=lambda name: ([int(part) for part in re.findall(r"\d+", name)], name))
    parts = "A model folder has config.json, the tokenizer's files and *.safetensors"
    return UserError(
        f"{folder} holds no config.json.",
        why=f"It holds {', '.join(models[-8:])}." if models else f"{parts}.",
        do=f"Give {folder / models[-1] if models else 'the folder that save_pretrained wrote'}, or a hub id.",
        code="model-folder-incomplete",
    )


def folder_digest(folder: Path) -> str:
    """Return the digest of names and sha256 of a folder's configuration, tokenizer and weight files.

    The folder's path and other files, such as a README, do not count.
    """
    parts = (path for path in _matching(folder, PARTS) if path.is_file())
    return identity.digest({path.relative_to(folder).as_posix(): files.sha256_file(path) for path in parts})


def stored_dtype(folder: Path) -> str | None:
    """Return the type of a model folder's weights by its config.json; None where that names no type."""
    config = read_config(folder)
    found = config.get("dtype") or config.get("torch_dtype")
    return found if isinstance(found, str) else None


def read_config(folder: Path) -> dict[str, Any]:
    """Return the config.json of a model folder, with or without a byte order mark; empty where it has none."""
    path = folder / "config.json"
    return read_object(path) if path.is_file() else {}


def own_file(path: Path, folder: Path) -> bool:
    """Return whether ``path`` is a file of the model in ``folder``; a link out of it counts in the hub's cache only.

    The cache keeps files once, in ``blobs`` beside the snapshots; any other link could show a file of the user's.
    """
    home = folder.resolve()
    real = path.resolve()
    places = [home, *([home.parent.parent / "blobs"] if home.parent.name == "snapshots" else [])]
    return real.is_file() and any(real.is_relative_to(place) for place in places)
