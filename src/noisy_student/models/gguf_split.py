"""Shards of a split GGUF model, merged into one file as ``llama-gguf-split --merge`` does.

The first shard holds the metadata; each holds tensors of its own (ggml's docs/gguf.md, llama.cpp's tools/gguf-split).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf

from noisy_student.errors import UserError

COUNT = "split.count"
_NUMBER, _TENSORS = "split.no", "split.tensors.count"
_VERSION = 3


def refuse_shard(reader: gguf.GGUFReader, path: Path) -> None:
    """Raise UserError for a shard whose name does not say where the others are."""
    if (count := _value(reader, COUNT, 1)) > 1:
        raise UserError(
            f"{path} is one of {count} shards.",
            why="Each shard holds a part of the weights, and its name does not end as in -00001-of-00002.gguf.",
            do="Rename the shards, or merge them with llama-gguf-split --merge.",
            code="shard-missing",
        )


def merge(shards: Sequence[Path], target: Path) -> None:
    """Write the model in ``shards``, in their order, to one file.

    Raises UserError for shards that do not belong together.
    """
    readers = [gguf.GGUFReader(str(shard)) for shard in shards]
    _check(readers, shards)
    first = readers[0]
    fields = [field for name, field in first.fields.items() if not name.startswith(("GGUF.", "split."))]
    alignment = first.alignment
    counts = struct.pack("<4sIQQ", b"GGUF", _VERSION, sum(len(reader.tensors) for reader in readers), len(fields))
    bases, end = [], 0
    for reader in readers:
        bases.append(end)
        end += _rounded(len(reader.data) - reader.data_offset, alignment)
    with target.open("wb") as file:
        file.write(counts)
        for field in fields:
            file.write(_bytes(first, field))
        for reader, base in zip(readers, bases, strict=True):
            for tensor in reader.tensors:
                # The last 8 bytes of a tensor's entry are its place among the data.
                offset = base + tensor.data_offset - reader.data_offset
                file.write(_bytes(reader, tensor.field)[:-8] + struct.pack("<Q", offset))
        file.write(b"\0" * (_rounded(file.tell(), alignment) - file.tell()))
        for reader in readers:
            reader.data[reader.data_offset :].tofile(file)
            file.write(b"\0" * (_rounded(file.tell(), alignment) - file.tell()))


def _check(readers: Sequence[gguf.GGUFReader], shards: Sequence[Path]) -> None:
    tensors = [tensor.name for reader in readers for tensor in reader.tensors]
    stated = _value(readers[0], _TENSORS, len(tensors))
    for number, (reader, shard) in enumerate(zip(readers, shards, strict=True)):
        place = (_value(reader, _NUMBER, None), _value(reader, COUNT, None))
        if place != (number, len(shards)):
            raise _mixed(shard, f"it calls itself shard {place[0]} of {place[1]}, counted from 0")
        if reader.byte_order != "I" or reader.alignment != readers[0].alignment:
            raise _mixed(shard, "its layout differs from that of the first")
    if len(set(tensors)) != len(tensors) or stated != len(tensors):
        raise _mixed(shards[0], f"the shards hold {len(set(tensors))} tensors of {stated}")


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


def _bytes(reader: gguf.GGUFReader, field: gguf.ReaderField) -> bytes:
    size = sum(int(part.nbytes) for part in field.parts)
    return bytes(reader.data[field.offset : field.offset + size])


def _rounded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment
