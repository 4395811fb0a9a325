"""GGUF files from public reports (rows q), and neighbours of each: read whole, or refused by name."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf as library
import numpy as np
import pytest
import torch
from refusals import refused
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, Qwen2ForCausalLM

from noisy_student.models import gguf, lab
from noisy_student.models.chat import Renderer
from noisy_student.models.load import load
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.study.plan.inputs import find

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
import gguf_file  # noqa: E402
from gguf_file import Form  # noqa: E402

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 2683592\n"
IDS = torch.tensor([[5, 9, 2, 17, 30, 4, 11, 8]])
ROWS = [
    json.loads(line)["case"]
    for line in (Path(__file__).parent / "q-gguf.jsonl").read_text(encoding="utf-8").splitlines()
]
Kind = library.GGMLQuantizationType
PLAIN = Form()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOISY_STUDENT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def original() -> PreTrainedModel:
    return load(lab.folder("lab-m")).model


Maker = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, original: PreTrainedModel) -> Maker:
    """Write the lab model as ``lab.gguf``, or as shards, of which the first is returned."""

    def written(form: Form = PLAIN, *, without: tuple[str, ...] = (), **tokens: Any) -> Path:
        known = {**gguf_file.byte_level(), **tokens}
        kept = {name: value for name, value in known.items() if name not in without}
        gguf_file.write(tmp_path / "lab.gguf", original, "qwen2", kept, form)
        return min(tmp_path.glob("lab*.gguf"))

    return written


def reads(path: Path, original: PreTrainedModel, tolerance: float = 1e-5) -> None:
    with torch.no_grad():
        torch.testing.assert_close(load(path).model(IDS).logits, original(IDS).logits, atol=tolerance, rtol=tolerance)


def shard(path: Path, number: int) -> Path:
    return path.with_name(path.name.replace("-00001-of", f"-{number:05}-of"))


def first_of_two(make: Maker, original: PreTrainedModel) -> None:
    path = make(Form(split=26))
    assert path.name == "lab-00001-of-00002.gguf"
    reads(path, original)


def second_of_two(make: Maker, original: PreTrainedModel) -> None:
    path = make(Form(split=26))
    reads(shard(path, 2), original)
    # Either name is the same model: one key, converted once.
    assert gguf.folder_of(path) == gguf.folder_of(shard(path, 2))
    specs = [find(ModelSpec(id=str(each))).spec for each in (path, shard(path, 2))]
    assert specs[0] == specs[1]


def capitals(make: Maker, original: PreTrainedModel) -> None:
    path = make().rename(make().with_name("MODEL.GGUF"))
    assert "gguf" in find(ModelSpec(id=str(path))).spec
    reads(path, original)


def pointer(make: Maker, original: PreTrainedModel) -> None:
    path = make()
    path.write_text(POINTER)
    with refused("lfs-pointer", "lab.gguf", "git lfs pull"):
        load(path)


def forms(make: Maker, original: PreTrainedModel) -> None:
    for kind, tolerance in ((Kind.F16, 0.1), (Kind.BF16, 0.5), (Kind.Q8_0, 1.0)):
        reads(make(Form(kind=kind)), original, tolerance)
    assert torch.isfinite(load(make(Form(kind=Kind.Q4_0))).model(IDS).logits).all()
    loaded = load(make(without=("ggml.padding_token_id", "ggml.eos_token_id")))
    assert loaded.stop_ids
    config = type(original.config)(**{**original.config.to_dict(), "tie_word_embeddings": False})
    torch.manual_seed(0)
    untied = Qwen2ForCausalLM(config).eval()
    path = make().with_name("untied.gguf")
    gguf_file.write(path, untied, "qwen2", gguf_file.byte_level())
    reads(path, untied)


def no_template(make: Maker, original: PreTrainedModel) -> None:
    loaded = load(make(without=("chat_template",)))
    with refused("chat-template-missing", 'prompt.style = "raw"'):
        Renderer(loaded.tokenizer, PromptSpec())


RECIPES = {
    "Q-01": first_of_two,
    "Q-03": second_of_two,
    "Q-04": capitals,
    "Q-06": pointer,
    "Q-07": forms,
    "Q-08": no_template,
}


@pytest.mark.parametrize("case", ROWS)
def test_a_file_is_read_whole_or_refused(case: str, make: Maker, original: PreTrainedModel) -> None:
    RECIPES[case](make, original)


def test_the_digest_is_of_all_shards(make: Maker) -> None:
    path = make(Form(split=26))
    before = find(ModelSpec(id=str(path))).spec["gguf"]
    last = shard(path, 2)
    last.write_bytes(last.read_bytes()[:-1] + b"\0")
    assert find(ModelSpec(id=str(path))).spec["gguf"] != before


@pytest.mark.parametrize(("kind", "tolerance"), [(Kind.F16, 0.1), (Kind.Q8_0, 1.0)])
def test_five_shards_in_capitals_are_one_model(
    kind: Any, tolerance: float, make: Maker, original: PreTrainedModel, tmp_path: Path
) -> None:
    path = make(Form(split=11, kind=kind))
    for number in range(1, 6):
        shard(path, number).rename(tmp_path / f"M-{number:05}-of-00005.GGUF")
    reads(tmp_path / "M-00003-of-00005.GGUF", original, tolerance)


@pytest.mark.parametrize("gone", [1, 2, 3])
def test_a_missing_shard_is_named(gone: int, make: Maker) -> None:
    path = make(Form(split=20))
    shard(path, gone).unlink()
    given = shard(path, 1 if gone != 1 else 2)
    for action in (load, lambda model: find(ModelSpec(id=str(model)))):
        with refused("shard-missing", f"lab-{gone:05}-of-00003.gguf", "one of 3 shards", "llama-gguf-split --merge"):
            action(given)


def test_a_shard_that_was_renamed_says_that_it_is_one(make: Maker, tmp_path: Path) -> None:
    path = make(Form(split=26))
    for name, number in (("first.gguf", 1), ("second.gguf", 2)):
        shutil.copy(shard(path, number), tmp_path / name)
        with refused("shard-missing", name, "one of 2 shards", "llama-gguf-split --merge"):
            load(tmp_path / name)


def test_shards_of_two_models_are_not_mixed(make: Maker, tmp_path: Path) -> None:
    path = make(Form(split=26))
    shutil.copy(path, shard(path, 2))
    with refused("shard-of-another-model", "shard 0 of 2"):
        load(path)
    path = make(Form(split=26))
    shutil.copy(shard(path, 2), path)
    with refused("shard-of-another-model", "shard 1 of 2"):
        load(path)
    path = make(Form(split=26, leave_out="blk.3.ffn"))
    kept = path.read_bytes()
    make(Form(split=26))
    path.write_bytes(kept)
    with refused("shard-of-another-model"):
        load(path)


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ("blk.3.", "model.layers.3."),
        ("blk.0.attn_q.weight", "model.layers.0.self_attn.q_proj.weight"),
        ("attn_k.bias", "k_proj.bias"),
        ("token_embd", "model.embed_tokens.weight"),
        ("output_norm", "model.norm.weight"),
        ("blk.1.ffn_norm", "model.layers.1.post_attention_layernorm.weight"),
    ],
)
def test_absent_tensors_are_named(left_out: str, named: str, make: Maker) -> None:
    with refused("weights-missing", named):
        load(make(Form(leave_out=left_out)))


@pytest.mark.parametrize("field", ["qwen2.block_count", "qwen2.feed_forward_length", "qwen2.vocab_size"])
def test_metadata_of_a_huge_model_fill_no_memory(field: str, make: Maker) -> None:
    path = make()
    part = library.GGUFReader(str(path)).fields[field].parts[-1]
    content = bytearray(path.read_bytes())
    place = content.index(field.encode()) + len(field) + 4
    assert content[place : place + 4] == part.tobytes()
    content[place : place + 4] = (2**31 - 1).to_bytes(4, "little")
    path.write_bytes(content)
    with refused("weights-missing", "far larger model"):
        load(path)


def test_tensors_that_the_model_does_not_have_are_named(make: Maker) -> None:
    more = {"blk.4.attn_q.weight": np.zeros((128, 128), np.float32), "blk.0.other.weight": np.zeros(32, np.float32)}
    with refused("weights-missing", "blk.0.other.weight, blk.4.attn_q.weight"):
        load(make(Form(add=more)))
    with refused("weights-missing", "blk.0.ffn_gate.lora_a"):
        load(make(Form(add={"blk.0.ffn_gate.lora_a": np.zeros((32, 32), np.float32)})))


def test_a_file_without_its_ending_is_known_by_its_first_bytes(make: Maker, original: PreTrainedModel) -> None:
    path = make()
    reads(path.rename(path.with_name("sha256-4d7a2146")), original)


@pytest.mark.parametrize(
    "parameters",
    [
        {"rope_type": "default", "rope_theta": 500_000.0},
        {
            "rope_type": "llama3",
            "rope_theta": 500_000.0,
            "factor": 32.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0},
        {"rope_type": "yarn", "rope_theta": 10_000.0, "factor": 4.0, "original_max_position_embeddings": 32},
    ],
)
def test_rotary_scaling_is_read(parameters: dict[str, Any], tmp_path: Path) -> None:
    """transformers 5.23 leaves it out of Llama's configuration, and the model answers worse without a word."""
    tokens = gguf_file.byte_level()
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokens["ggml.tokens"]),
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            initializer_range=0.3,
            rope_parameters=parameters,
        )
    ).eval()
    kind = parameters["rope_type"]
    metadata, add = {}, {}
    if kind == "llama3":
        plain = 1 / parameters["rope_theta"] ** (np.arange(0, 32, 2) / 32)
        add["rope_freqs.weight"] = (plain / model.model.rotary_emb.inv_freq.numpy()).astype(np.float32)
    elif kind != "default":
        metadata = {"llama.rope.scaling.type": kind, "llama.rope.scaling.factor": parameters["factor"]}
    if kind == "yarn":
        metadata["llama.rope.scaling.original_context_length"] = 32
    gguf_file.write(tmp_path / "x.gguf", model, "llama", tokens, Form(add=add, metadata=metadata))
    ids = torch.arange(100).remainder(50)[None]
    with torch.no_grad():
        torch.testing.assert_close(load(tmp_path / "x.gguf").model(ids).logits, model(ids).logits, atol=1e-4, rtol=1e-4)


def test_rotary_scaling_of_another_kind_is_refused(tmp_path: Path) -> None:
    tokens = gguf_file.byte_level()
    config = LlamaConfig(
        vocab_size=len(tokens["ggml.tokens"]),
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    form = Form(metadata={"llama.rope.scaling.type": "longrope", "llama.rope.scaling.factor": 4.0})
    gguf_file.write(tmp_path / "x.gguf", LlamaForCausalLM(config), "llama", tokens, form)
    with refused("gguf-unreadable", "longrope"):
        load(tmp_path / "x.gguf")
    form = Form(add={"rope_freqs.weight": np.linspace(1, 9, 16, dtype=np.float32)})
    gguf_file.write(tmp_path / "x.gguf", LlamaForCausalLM(config), "llama", tokens, form)
    with refused("gguf-unreadable", "rope_freqs.weight"):
        load(tmp_path / "x.gguf")
