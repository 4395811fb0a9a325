"""GGUF files of three architectures, each read as the model it was written from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import gguf as library
import numpy as np
import pytest
import torch
from refusals import refused
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from noisy_student.models import gguf, lab
from noisy_student.models.load import load
from noisy_student.models.save import save

sys.path.insert(0, str(Path(__file__).parent))
import gguf_file  # noqa: E402

IDS = torch.tensor([[5, 9, 2, 17, 30, 4, 11, 8]])


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISY_STUDENT_CACHE", str(tmp_path / "cache"))


def _sentencepiece() -> dict[str, Any]:
    pieces = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        "<mask>",
        "\u2581",
        *"abcdefghijklmnopqrstuvwxyz0123456789#?.",
    ]
    pieces += ["\u2581a", "ow", "now", "\u2581now"]
    return {
        "ggml.model": "llama",
        "ggml.tokens": pieces,
        "ggml.scores": [0.0] * 7 + [-float(number) for number in range(len(pieces) - 7)],
        "ggml.token_type": [3, 3, 3, 2, 3, 3, 3] + [1] * (len(pieces) - 7),
        "ggml.bos_token_id": 2,
        "ggml.eos_token_id": 1,
        "ggml.unknown_token_id": 3,
        "ggml.padding_token_id": 0,
        "chat_template": "{% for m in messages %}<start_of_turn>{{ m.content }}<end_of_turn>\n{% endfor %}",
    }


def _model(architecture: str, vocabulary: int) -> PreTrainedModel:
    torch.manual_seed(0)
    sizes = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
        "initializer_range": 0.3,
    }
    if architecture == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**sizes))
    if architecture == "llama":
        return LlamaForCausalLM(LlamaConfig(**sizes))
    return Gemma3ForCausalLM(Gemma3TextConfig(**sizes, head_dim=8, sliding_window=512))


def _file(tmp_path: Path, architecture: str) -> tuple[Path, PreTrainedModel]:
    tokens = _sentencepiece() if architecture == "gemma3" else gguf_file.byte_level()
    model = _model(architecture, len(tokens["ggml.tokens"])).eval()
    path = tmp_path / f"{architecture}.gguf"
    gguf_file.write(path, model, architecture, tokens)
    return path, model


@pytest.mark.parametrize("architecture", ["qwen2", "llama", "gemma3"])
def test_a_file_is_the_model_it_was_written_from(tmp_path: Path, architecture: str) -> None:
    path, model = _file(tmp_path, architecture)
    loaded = load(path)
    assert loaded.model.dtype == torch.float32
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(IDS).logits, model(IDS).logits, atol=1e-5, rtol=1e-4)
    assert loaded.stop_ids >= {loaded.tokenizer.eos_token_id}
    assert loaded.pad_id != loaded.tokenizer.eos_token_id


def test_the_tokenizer_is_the_one_of_the_file(tmp_path: Path) -> None:
    path, _ = _file(tmp_path, "qwen2")
    loaded, own = load(path), AutoTokenizer.from_pretrained(lab.folder("lab-m"))
    for text in ("Tom has 12 apples.\n#### 12", "<|im_start|>user\nHow many?<|im_end|>\n"):
        assert loaded.tokenizer.encode(text) == own.encode(text)
    assert loaded.tokenizer.chat_template == own.chat_template


def test_it_is_converted_once_and_what_comes_of_it_can_be_saved(tmp_path: Path) -> None:
    path, model = _file(tmp_path, "qwen2")
    folder = gguf.folder_of(path)
    before = {item.name: item.stat().st_mtime_ns for item in folder.iterdir()}
    assert gguf.folder_of(path) == folder
    assert {item.name: item.stat().st_mtime_ns for item in folder.iterdir()} == before
    save(load(path), tmp_path / "saved")
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "saved")
    with torch.no_grad():
        torch.testing.assert_close(plain(IDS).logits, model(IDS).logits, atol=1e-5, rtol=1e-4)


def test_what_is_no_gguf_file_or_is_damaged_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "no.gguf").write_bytes(b"\x80\x04pickle")
    with refused("not-a-gguf-file", "no.gguf"):
        load(tmp_path / "no.gguf")
    path, _ = _file(tmp_path, "qwen2")
    path.write_bytes(path.read_bytes()[:4000])
    with refused("gguf-unreadable", str(path)):
        load(path)
    assert not [item for item in gguf.cache().iterdir() if item.is_dir()]
    with refused("model-not-found", "gone.gguf"):
        load(tmp_path / "gone.gguf")


def test_files_beside_it_are_not_taken_for_its_own(tmp_path: Path) -> None:
    path, _ = _file(tmp_path, "qwen2")
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": "evil.Evil"}}'
    )
    (tmp_path / "config.json").write_text('{"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}}')
    own = AutoTokenizer.from_pretrained(lab.folder("lab-m"))
    assert load(path).tokenizer.encode("Tom has 12 apples.") == own.encode("Tom has 12 apples.")


def test_the_reader_put_in_place_of_ggufs_keeps_its_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version of gguf or transformers that the replacement no longer fits fails here, before it costs memory."""
    path, _ = _file(tmp_path, "qwen2")
    original, made = library.GGUFReader, []
    theirs = original(str(path))
    assert type(theirs.data) is np.memmap, "the replacement has a reason only where numpy maps the file"
    ours = gguf._Reader(str(path))
    assert type(ours.data) is np.ndarray
    assert list(ours.fields) == list(theirs.fields)
    assert all(ours.fields[name].contents() == theirs.fields[name].contents() for name in theirs.fields)
    for own, other in zip(ours.tensors, theirs.tensors, strict=True):
        assert (own.name, own.tensor_type) == (other.name, other.tensor_type)
        np.testing.assert_array_equal(own.data, other.data)

    class Counted(gguf._Reader):
        def __init__(self, *given: Any) -> None:
            made.append(given)
            super().__init__(*given)

    monkeypatch.setattr(gguf, "_Reader", Counted)
    gguf.folder_of(path)
    assert len(made) == 1, "transformers must look GGUFReader up in gguf at each call, and read the file once"
    assert library.GGUFReader is original
