"""A GGUF file as a model folder: dequantised to float32 once, kept in a cache, from then on a folder like any other.

transformers refuses to save a model read from GGUF, so the weights go into a fresh model of the same configuration.
The folder's name is the digest of the file and of the versions of its readers.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from filelock import FileLock
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig, PreTrainedTokenizerFast
from transformers.utils import logging

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.files import sha256_file

SUFFIX = ".gguf"


def cache() -> Path:
    """Return the cache of converted files: ``$NOISY_STUDENT_CACHE``, else a folder of the user's cache."""
    stated = os.environ.get("NOISY_STUDENT_CACHE")
    shared = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return (Path(stated).expanduser() if stated else shared / "noisy-student") / "gguf"


def folder_of(path: Path) -> Path:
    """Return the folder with the safetensors of a GGUF file, made on the first call; UserError for any other file.

    A model of N parameters takes 4 N bytes of disk and, while it is made, 8 N bytes of memory.
    """
    with path.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise UserError(
                f"{path} is not a GGUF file.",
                why="Its first bytes are not GGUF.",
                do="Check the path.",
                code="not-a-gguf-file",
            )
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "gguf")}
    folder = cache() / identity.digest({"file": sha256_file(path), "readers": versions})[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            made = Path(tempfile.mkdtemp(prefix="making-", dir=folder.parent))
            try:
                _convert(path, made)
                made.rename(folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
    return folder


def _convert(path: Path, folder: Path) -> None:
    logging.disable_progress_bar()
    try:
        # In a folder of its own: transformers would also read files beside it, such as another model's tokenizer.json.
        with tempfile.TemporaryDirectory() as alone, _metadata_read_once():
            (Path(alone) / path.name).symlink_to(path.resolve())
            given: dict[str, Any] = {"gguf_file": path.name, "trust_remote_code": False, "local_files_only": True}
            config = AutoConfig.from_pretrained(alone, **given)
            # AutoTokenizer would parse the whole configuration once more to choose a class.
            tokenizer = PreTrainedTokenizerFast.from_pretrained(alone, **given)
            read = AutoModelForCausalLM.from_pretrained(alone, config=config, dtype=torch.float32, **given)
    except Exception as error:
        # The readers check little themselves: a damaged file raises whatever its bytes lead to.
        raise UserError(
            f"{path} cannot be read: {type(error).__name__}: {error}.",
            why="Either the file is damaged, or transformers does not know its architecture.",
            do="Download it again, or give the model as a folder of safetensors.",
            code="gguf-unreadable",
        ) from error
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


class _Reader(gguf.GGUFReader):
    """A reader with fields as views of a plain array: numpy makes millions of views of a memmap slowly, in Python."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, np.asarray(value) if name == "data" else value)


@contextmanager
def _metadata_read_once() -> Iterator[None]:
    """Share one reader: transformers 5.23 reads the file for configuration, tokenizer and weights, 30 seconds each.

    gguf offers no hook, so its class is replaced meanwhile; ``tests/models/test_gguf.py`` fails when gguf changes.
    """
    reader = gguf.GGUFReader
    setattr(gguf, "GGUFReader", functools.lru_cache(maxsize=1)(_Reader))  # noqa: B010  # mypy: a class is replaced
    try:
        yield
    finally:
        setattr(gguf, "GGUFReader", reader)  # noqa: B010
