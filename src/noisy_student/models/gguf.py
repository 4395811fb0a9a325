"""A GGUF file as a model folder: dequantised to float32 once, kept in a cache, from then on a folder like any other.

transformers refuses to save a model read from GGUF, so the weights go into a fresh model of the same configuration.
The folder's name is the digest of the file and of the versions of its readers.
"""

from __future__ import annotations

import functools
import importlib.metadata
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from filelock import FileLock
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    GenerationConfig,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)
from transformers.integrations.gguf.utils import is_gguf_arch_supported
from transformers.modeling_gguf_pytorch_utils import TENSOR_PROCESSORS, TensorProcessor, get_gguf_hf_weights_map
from transformers.utils import logging

from noisy_student import identity
from noisy_student.errors import UserError
from noisy_student.models import gguf_rope, gguf_split
from noisy_student import opener
from noisy_student.models.folder import gguf_digest, gguf_shards
from noisy_student.models.weights import refuse_difference

_FORMAT = 2
"""Raised where the same file would be converted to another folder."""
_NAME = "model.gguf"
_LARGER = 8
"""Numbers of a described model, for each in the file, up to which absent tensors are listed by name."""
# Names of merged experts, which transformers takes apart by rules of their own.
_EXPERTS = re.compile(r"_exps\.")


def cache() -> Path:
    """Return the cache of converted files: ``$NOISY_STUDENT_CACHE``, else a folder of the user's cache."""
    stated = os.environ.get("NOISY_STUDENT_CACHE")
    shared = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    return (Path(stated).expanduser() if stated else shared / "noisy-student") / "gguf"


def folder_of(path: Path) -> Path:
    """Return the folder with the safetensors of a GGUF model, made on the first call; UserError for any other file.

    ``path`` may be any shard of a split model. A model of N parameters takes 4 N bytes of disk and, while it is made,
    8 N bytes of memory; a split model as much disk as its shards besides.
    """
    shards = gguf_shards(path)
    for shard in shards:
        opener.require_whole(shard)
        with shard.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise UserError(
                    f"{shard} is not a GGUF file.",
                    why="Its first bytes are not GGUF.",
                    do="Check the path.",
                    code="not-a-gguf-file",
                )
    versions = {name: importlib.metadata.version(name) for name in ("transformers", "gguf")}
    named = {"file": gguf_digest(path), "readers": versions, "format": _FORMAT}
    folder = cache() / identity.digest(named)[:16]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{folder}.lock"):
        if not folder.is_dir():
            with tempfile.TemporaryDirectory(prefix="making-", dir=folder.parent, ignore_cleanup_errors=True) as making:
                _convert(shards, path, Path(making))
                (Path(making) / "model").rename(folder)
    return folder


@contextmanager
def quiet() -> Iterator[None]:
    """Keep transformers from reporting weights and progress itself: what matters is raised."""
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _convert(shards: Sequence[Path], path: Path, making: Path) -> None:
    """Write the model in ``shards`` into the folder ``model`` of ``making``; ``path`` stands in messages."""
    # In a folder of its own: transformers would also read files beside it, such as another model's tokenizer.json.
    alone = making / "alone"
    alone.mkdir()
    try:
        with _metadata_read_once(), quiet():
            if len(shards) == 1:
                (alone / _NAME).symlink_to(path.resolve())
            else:
                gguf_split.merge(shards, alone / _NAME)
            reader = gguf.GGUFReader(str(alone / _NAME))
            gguf_split.refuse_shard(reader, path)
            _refuse_more_layers(reader, path)
            given: dict[str, Any] = {"gguf_file": _NAME, "trust_remote_code": False, "local_files_only": True}
            config = AutoConfig.from_pretrained(alone, **given)
            _refuse_larger(config, reader, path)
            # AutoTokenizer would parse the whole configuration once more to choose a class.
            tokenizer = PreTrainedTokenizerFast.from_pretrained(alone, **given)
            loading: Any = AutoModelForCausalLM.from_pretrained(
                alone,
                config=config,
                dtype=torch.float32,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # they are named below
                **given,
            )
            read, found = loading
            unread = _unread(reader, read)
    except UserError:
        raise
    except Exception as error:
        # The readers check little themselves: a damaged file raises whatever its bytes lead to.
        raise UserError(
            f"{path} cannot be read: {type(error).__name__}: {error}.",
            why="Either the file is damaged, or transformers does not know its architecture.",
            do="Download it again, or give the model as a folder of safetensors.",
            code="gguf-unreadable",
        ) from error
    refuse_difference(
        path,
        missing=found["missing_keys"],
        unexpected={*found["unexpected_keys"], *unread},
        mismatched=found["mismatched_keys"],
    )
    gguf_rope.correct(config, reader, path)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(making / "model")
    tokenizer.save_pretrained(making / "model")


def _refuse_more_layers(reader: gguf.GGUFReader, path: Path) -> None:
    """Raise UserError for metadata with more layers than tensors: transformers would fill the memory with them."""
    for name, field in reader.fields.items():
        if name.endswith(".block_count") and not 0 < field.contents() <= len(reader.tensors):
            raise _larger(path, reader, f"{name} is {field.contents()}")


def _refuse_larger(config: PreTrainedConfig, reader: gguf.GGUFReader, path: Path) -> None:
    """Raise UserError for a file whose metadata describe a far larger model, for the same reason."""
    with torch.device("meta"):
        described = AutoModelForCausalLM.from_config(config).num_parameters()
    if described > _LARGER * sum(int(tensor.n_elements) for tensor in reader.tensors):
        raise _larger(path, reader, f"they describe {described:,} numbers")


def _larger(path: Path, reader: gguf.GGUFReader, fact: str) -> UserError:
    held = sum(int(tensor.n_elements) for tensor in reader.tensors)
    return UserError(
        f"{path} holds {held:,} numbers in {len(reader.tensors):,} tensors; its metadata are of a far larger model.",
        why=f"In them {fact}.",
        do="Download it again, or give the model as a folder of safetensors.",
        code="weights-missing",
    )


def _unread(reader: gguf.GGUFReader, model: PreTrainedModel) -> set[str]:
    """Return the tensors of the file that transformers drops without a word because its architecture has none such."""
    architecture = reader.fields["general.architecture"].contents()
    if is_gguf_arch_supported(architecture):
        return set()  # its newer reader names them itself
    kind: Any = TENSOR_PROCESSORS.get(architecture, TensorProcessor)
    read = get_gguf_hf_weights_map(model, kind(config={}))
    names = {tensor.name for tensor in reader.tensors} - read.keys()
    return {name for name in names if name != gguf_rope.FACTORS and not _EXPERTS.search(name)}


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
