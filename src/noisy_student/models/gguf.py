"""A GGUF file as a model folder: dequantised to float32 once, kept in a cache, from then on a folder like any other.

transformers refuses to save a model read from GGUF, so the weights go into a fresh model of the same configuration,
with the rotary scaling that transformers 5.23 leaves out for most architectures. The folder's name is the digest of
the file and of the versions of its readers. Shards of a split model are merged first, as ``llama-gguf-split`` does.
"""

from __future__ import annotations

import functools
import importlib.metadata
import math
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

from noisy_student import identity, opener
from noisy_student.errors import UserError
from noisy_student.models.folder import begins, gguf_digest, gguf_shards
from noisy_student.models.weights import refuse_difference

_FORMAT = 2
"""Raised where the same file would be converted to another folder."""
_NAME = "model.gguf"
_LARGER = 8
"""Numbers of a described model, for each in the file, up to which absent tensors are listed by name."""
_FACTORS = "rope_freqs.weight"
"""Tensor by whose values llama.cpp divides the rotary frequencies (Llama 3.1 and later)."""
# Llama 3.1's own (its config.json); the factor is 8, in 3.2 it is 32.
_LLAMA3 = {"low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
_ROPE_READ = ("gpt-oss", "qwen35", "qwen35moe", "lfm2")
"""Architectures of which transformers reads the rotary scaling itself."""
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
        if not begins(shard, b"GGUF"):
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
                _merge(shards, alone / _NAME)
            reader = gguf.GGUFReader(str(alone / _NAME))
            _refuse_shard(reader, path)
            given: dict[str, Any] = {"gguf_file": _NAME, "trust_remote_code": False, "local_files_only": True}
            # transformers would fill the memory with the layers and weights of a far larger model.
            for name, field in reader.fields.items():
                if name.endswith(".block_count") and not 0 < field.contents() <= len(reader.tensors):
                    raise _larger(path, reader, f"{name} is {field.contents()}")
            config = AutoConfig.from_pretrained(alone, **given)
            described = _empty(config).num_parameters()
            if described > _LARGER * _held(reader):
                raise _larger(path, reader, f"they describe {described:,} numbers")
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
    refuse_difference(path, found["missing_keys"], {*found["unexpected_keys"], *unread}, found["mismatched_keys"])
    _correct_rope(config, reader, path)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    model = _empty(config)
    model.load_state_dict(read.state_dict(), assign=True)
    model.tie_weights()
    model.generation_config = GenerationConfig(eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    model.save_pretrained(making / "model")
    tokenizer.save_pretrained(making / "model")


def _empty(config: PreTrainedConfig) -> PreTrainedModel:
    with torch.device("meta"):
        model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    return model


def _held(reader: gguf.GGUFReader) -> int:
    return sum(int(tensor.n_elements) for tensor in reader.tensors)


def _larger(path: Path, reader: gguf.GGUFReader, fact: str) -> UserError:
    return UserError(
        f"{path} holds {_held(reader):,} numbers in {len(reader.tensors):,} tensors; its metadata are of a far "
        "larger model.",
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
    return {name for name in names if name != _FACTORS and not _EXPERTS.search(name)}


def _merge(shards: Sequence[Path], target: Path) -> None:
    """Write the model in ``shards``, in their order, to one file; raises UserError where they do not belong together.

    The first shard holds the metadata; each holds tensors of its own (ggml's docs/gguf.md, llama.cpp's gguf-split).
    """
    readers = [gguf.GGUFReader(str(shard)) for shard in shards]
    tensors = [tensor for reader in readers for tensor in reader.tensors]
    for number, (reader, shard) in enumerate(zip(readers, shards, strict=True)):
        place = (_value(reader, "split.no", None), _value(reader, "split.count", None))
        if place != (number, len(shards)):
            raise _mixed(shard, f"it calls itself shard {place[0]} of {place[1]}, counted from 0")
    names, stated = {tensor.name for tensor in tensors}, _value(readers[0], "split.tensors.count", len(tensors))
    if len(names) != len(tensors) or stated != len(tensors):
        raise _mixed(shards[0], f"the shards hold {len(names)} tensors of {stated}")
    writer = gguf.GGUFWriter(target, readers[0].fields["general.architecture"].contents())
    writer.data_alignment = readers[0].alignment
    for name, field in readers[0].fields.items():
        if not name.startswith(("GGUF.", "split.", "general.architecture")):
            array = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], array)
    for tensor in tensors:
        writer.add_tensor_info(
            tensor.name, tensor.data.shape, tensor.data.dtype, tensor.data.nbytes, tensor.tensor_type
        )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    for tensor in tensors:
        writer.write_tensor_data(tensor.data)
    writer.close()


def _refuse_shard(reader: gguf.GGUFReader, path: Path) -> None:
    """Raise UserError for a shard whose name does not say where the others are."""
    if (count := _value(reader, "split.count", 1)) > 1:
        raise UserError(
            f"{path} is one of {count} shards.",
            why="Each shard holds a part of the weights, and its name does not end as in -00001-of-00002.gguf.",
            do="Rename the shards, or merge them with llama-gguf-split --merge.",
            code="shard-missing",
        )


def _mixed(shard: Path, fact: str) -> UserError:
    return UserError(
        f"{shard}: {fact}.",
        why="The shards beside each other are not those of one model.",
        do="Download all shards again, or merge them with llama-gguf-split --merge.",
        code="shard-of-another-model",
    )


def _value(reader: gguf.GGUFReader, name: str, default: Any) -> Any:
    field = reader.fields.get(name)
    return default if field is None else field.contents()


def _correct_rope(config: PreTrainedConfig, reader: gguf.GGUFReader, path: Path) -> None:
    """Write the rotary scaling of the file into ``config``; UserError where transformers has no such scaling."""
    architecture = reader.fields["general.architecture"].contents()
    if architecture in _ROPE_READ:
        return
    parameters: Any = getattr(config, "rope_parameters", None) or {}
    # Models with two kinds of attention scale the frequencies of the full one only.
    place = parameters.get("full_attention", parameters)
    scaling = _stated_rope(reader, f"{architecture}.rope.scaling.", path)
    factors = [np.asarray(tensor.data, dtype=np.float64) for tensor in reader.tensors if tensor.name == _FACTORS]
    if factors and not np.all(factors[0] == 1):
        scaling = _llama3_rope(factors[0], float(place.get("rope_theta", 10_000.0)), path)
    if scaling and not place:
        raise _unknown_rope(path, str(scaling))
    place.update(scaling)


def _stated_rope(reader: gguf.GGUFReader, prefix: str, path: Path) -> dict[str, Any]:
    stated = {
        name.removeprefix(prefix): field.contents() for name, field in reader.fields.items() if name.startswith(prefix)
    }
    kind = stated.get("type", "none")
    if kind == "none":
        return {}
    if kind == "linear":
        return {"rope_type": "linear", "factor": float(stated["factor"])}
    if kind == "yarn" and "original_context_length" in stated and "attn_factor" not in stated:
        original = int(stated["original_context_length"])
        return {"rope_type": "yarn", "factor": float(stated["factor"]), "original_max_position_embeddings": original}
    raise _unknown_rope(path, f"{prefix}type = {kind}")


def _llama3_rope(factors: Any, theta: float, path: Path) -> dict[str, Any]:
    """Return the settings of Llama 3's scaling that give these factors (transformers' modeling_rope_utils)."""
    factor = float(factors.max())
    wavelengths = 2 * math.pi * theta ** (np.arange(len(factors)) / len(factors))
    low, high, old = _LLAMA3.values()
    smooth = np.clip((old / wavelengths - low) / (high - low), 0, 1)
    if not np.allclose(1 / ((1 - smooth) / factor + smooth), factors, rtol=1e-3):
        raise _unknown_rope(path, _FACTORS)
    return {"rope_type": "llama3", "factor": factor, **_LLAMA3}


def _unknown_rope(path: Path, fact: str) -> UserError:
    return UserError(
        f"{path}: the rotary scaling ({fact}) cannot be read.",
        why="Without it the model would compute other numbers than it was trained with.",
        do="Give the model as a folder of safetensors.",
        code="gguf-unreadable",
    )


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
