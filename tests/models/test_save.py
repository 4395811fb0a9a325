"""Saved models: read by two versions of transformers, with the base's tokenizer files, modes by the umask."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from models import tiny
from transformers import AutoModelForCausalLM, Gemma3TextConfig, LlamaConfig, PreTrainedConfig, Qwen2Config, Qwen3Config

from noisy_student import files
from noisy_student.models.adapter import write_adapter
from noisy_student.models.load import load
from noisy_student.models.save import save
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import adapt

SHAPE: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "eos_token_id": 3, "pad_token_id": 1,
    "bos_token_id": None,
}  # fmt: skip
LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 64}  # fmt: skip
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}
LINEAR = {"rope_type": "linear", "factor": 8.0}
LAYERS = ["sliding_attention", "full_attention"]
GEMMA3 = {
    "full_attention": {**LINEAR, "rope_theta": 1e6},
    "sliding_attention": {"rope_type": "default", "rope_theta": 5e4},
}
BASES: dict[str, PreTrainedConfig] = {
    "theta-1e6": Qwen2Config(**SHAPE, rope_parameters={"rope_type": "default", "rope_theta": 1e6}),
    "theta-5e5": LlamaConfig(**SHAPE, rope_parameters={"rope_type": "default", "rope_theta": 5e5}),
    "llama3": LlamaConfig(**SHAPE, rope_parameters={**LLAMA3, "rope_theta": 5e5}),
    "linear": LlamaConfig(**SHAPE, rope_parameters={**LINEAR, "rope_theta": 1e4}),
    "yarn": Qwen3Config(**SHAPE, head_dim=8, rope_parameters={**YARN, "rope_theta": 1e6}),
    "gemma3": Gemma3TextConfig(
        **SHAPE, head_dim=8, sliding_window=16, layer_types=LAYERS, rope_parameters=GEMMA3
    ),
}  # fmt: skip
OLD: dict[str, dict[str, Any]] = {
    "theta-1e6": {"rope_theta": 1e6},
    "theta-5e5": {"rope_theta": 5e5},
    "llama3": {"rope_theta": 5e5, "rope_scaling": LLAMA3},
    "linear": {"rope_theta": 1e4, "rope_scaling": LINEAR},
    "yarn": {"rope_theta": 1e6, "rope_scaling": YARN},
    "gemma3": {"rope_theta": 1e6, "rope_scaling": LINEAR, "rope_local_base_freq": 5e4},
}
"""The rotary settings as transformers 4 names them."""
ROPE = ("rope_theta", "rope_scaling", "rope_local_base_freq")


def written_base(name: str, folder: Path, *, old: bool = False) -> Path:
    """A base as transformers 5 writes it, or with config.json and tokenizer in the form of transformers 4."""
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(BASES[name]).save_pretrained(folder)
    tiny.word_tokenizer().save_pretrained(folder)
    if old:
        config = files.read_json(folder / "config.json")
        del config["rope_parameters"]
        dtype = config.pop("dtype")
        files.write_json(folder / "config.json", {**config, **OLD[name], "torch_dtype": dtype})
        path = folder / "tokenizer_config.json"
        tokens = files.read_json(path)
        tokens["additional_special_tokens"] = tokens.pop("extra_special_tokens")
        files.write_json(path, {**tokens, "tokenizer_class": "PreTrainedTokenizerFast"})
    return folder


def student(base: Path, folder: Path) -> Path:
    """The base with every weight changed."""
    loaded = load(base)
    torch.manual_seed(1)
    with torch.no_grad():
        for weight in loaded.model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    save(loaded, folder)
    return folder


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
@pytest.mark.parametrize("name", list(BASES))
@torch.inference_mode()
def test_rotary_settings_are_written_both_ways(name: str, old: bool, tmp_path: Path) -> None:
    base = written_base(name, tmp_path / "base", old=old)
    made = student(base, tmp_path / "student")
    config = files.read_json(made / "config.json")
    assert {each: config[each] for each in ROPE if config.get(each) is not None} == OLD[name]
    assert (
        config["rope_parameters"]
        == files.read_json(written_base(name, tmp_path / "new") / "config.json")["rope_parameters"]
    )
    assert "torch_dtype" not in config and config["dtype"] == "float32"
    # This version reads its own names, and finds the same.
    ids = torch.arange(64)[None]
    loaded = load(made)
    assert loaded.model.config.rope_parameters == BASES[name].rope_parameters
    again = student(made, tmp_path / "again")
    assert files.read_json(again / "config.json") == config
    assert torch.equal(AutoModelForCausalLM.from_pretrained(made)(ids).logits, loaded.model(ids).logits)


def test_contradicting_old_names_give_way_to_what_was_trained(tmp_path: Path) -> None:
    base = written_base("theta-1e6", tmp_path / "base")
    config = files.read_json(base / "config.json")
    files.write_json(base / "config.json", {**config, "rope_theta": 123.0})
    assert load(base).model.config.rope_parameters["rope_theta"] == 1e6
    assert files.read_json(student(base, tmp_path / "student") / "config.json")["rope_theta"] == 1e6


PAPERS = (
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
    "tokenizer.model.v3",
    "special_tokens_map.json",
    "added_tokens.json",
)


def test_the_tokenizer_files_of_the_base_are_kept(tmp_path: Path) -> None:
    base = written_base("llama3", tmp_path / "base", old=True)
    for name in PAPERS:
        (base / name).write_text("{}" if name.endswith(".json") else f"the base's {name}\n")
    # Bytes that no library would write again: indentation, order, a field of nobody.
    text = json.dumps({**files.read_json(base / "tokenizer_config.json"), "note": "own"}, indent=7)
    (base / "tokenizer_config.json").write_text(text)
    made = student(base, tmp_path / "student")
    for name in (*PAPERS, "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (made / name).read_bytes() == (base / name).read_bytes(), name
    write_adapter(adapt(load(base), LoraSpec(rank=2), seed=1), tmp_path / "adapter")
    for name in (*PAPERS, "tokenizer.json", "tokenizer_config.json"):
        assert (tmp_path / "adapter" / name).read_bytes() == (base / name).read_bytes(), name


def test_a_byte_order_mark_is_not_handed_on(tmp_path: Path) -> None:
    base = written_base("llama3", tmp_path / "base", old=True)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        (base / name).write_bytes(b"\xef\xbb\xbf" + (base / name).read_bytes())
    loaded = load(base)
    save(loaded, tmp_path / "student")
    assert load(tmp_path / "student").tokenizer.get_vocab() == loaded.tokenizer.get_vocab()
    for path in (tmp_path / "student").glob("*.json"):
        assert not path.read_bytes().startswith(b"\xef\xbb\xbf")


def test_a_tokenizer_that_this_version_builds_otherwise_is_written_as_it_was_trained_with(tmp_path: Path) -> None:
    """transformers 5 reads any tokenizer of a Qwen2 as Qwen's, and this base's is one of whole words."""
    base = written_base("theta-1e6", tmp_path / "base")
    loaded = load(base)
    save(loaded, tmp_path / "student")
    text = "Tom has 5 apples ."
    assert load(tmp_path / "student").tokenizer.encode(text) == loaded.tokenizer.encode(text)
    assert (tmp_path / "student" / "tokenizer.json").read_bytes() != (base / "tokenizer.json").read_bytes()


@pytest.mark.parametrize("old", [False, True], ids=["new", "old"])
def test_no_name_is_written_that_transformers_4_does_not_know(old: bool, tmp_path: Path) -> None:
    base = written_base("llama3", tmp_path / "base", old=old)
    made = student(base, tmp_path / "student")
    config = files.read_json(made / "tokenizer_config.json")
    assert config["tokenizer_class"] == "PreTrainedTokenizerFast"
    assert "extra_special_tokens" not in config
    assert config["additional_special_tokens"] == tiny.SPECIAL
    loaded, before = load(made), load(base)
    assert loaded.stop_ids == before.stop_ids and loaded.pad_id == before.pad_id
    assert loaded.tokenizer.all_special_ids == before.tokenizer.all_special_ids
    assert loaded.tokenizer.get_vocab() == before.tokenizer.get_vocab()


def test_a_link_out_of_the_base_is_not_followed(tmp_path: Path) -> None:
    base = written_base("llama3", tmp_path / "base", old=True)
    (tmp_path / "secret").write_text("a key")
    (base / "merges.txt").symlink_to(tmp_path / "secret")
    assert not (student(base, tmp_path / "student") / "merges.txt").exists()


def test_links_of_the_hubs_cache_are(tmp_path: Path) -> None:
    repository = tmp_path / "models--a--b"
    base = written_base("llama3", repository / "snapshots" / "abc", old=True)
    (repository / "blobs").mkdir()
    (repository / "blobs" / "123").write_text("merges")
    (base / "merges.txt").symlink_to("../../blobs/123")
    assert (student(base, tmp_path / "student") / "merges.txt").read_text() == "merges"


@contextmanager
def umask(value: int) -> Iterator[None]:
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_the_umask_decides_who_may_read(mask: int, mode: int, tmp_path: Path) -> None:
    base = tiny.folder(tmp_path / "base")
    with umask(mask):
        save(load(base), tmp_path / "whole")
        write_adapter(adapt(load(base), LoraSpec(rank=2), seed=1), tmp_path / "adapter")
    found = [path for name in ("whole", "adapter") for path in (tmp_path / name).rglob("*") if path.is_file()]
    assert {path.name for path in found} >= {"model.safetensors", "adapter_model.safetensors", "tokenizer.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in found} == {mode}


OLDER = ("transformers==4.57.3", "tokenizers==0.22.2", "huggingface_hub==0.36.2")
READ = """
import json, sys, torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
found = {"version": transformers.__version__}
for folder in sys.argv[1:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    with torch.inference_mode():
        logits = model(torch.arange(128)[None] % 60).logits[0].double().tolist()
    text = "Tom has 5 apples . <|im_end|> now"
    turns = [{"role": "user", "content": "Tom has 5"}]
    ids = [tokenizer.encode(text), sorted(tokenizer.all_special_ids), tokenizer.eos_token_id]
    shown = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    found[folder] = {"logits": logits, "ids": ids, "text": shown, "ends": model.generation_config.eos_token_id}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with transformers 4.57, which hides the version of this environment; the rest stays."""
    folder = tmp_path_factory.mktemp("older")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(folder), *OLDER]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"pip cannot install transformers 4.57: {done.stderr.strip().splitlines()[-1]}")
    return folder


def read_by(place: Path | None, folders: list[Path]) -> dict[str, Any]:
    """What the transformers in ``place``, else this environment's, reads in the folders."""
    environment = {**os.environ, "PYTHONPATH": str(place or ""), "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", READ, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.slow
def test_students_are_the_same_model_in_transformers_4_and_5(older: Path, tmp_path: Path) -> None:
    folders, parent = [], tmp_path / "parents"
    for name in BASES:
        for old in (False, True):
            base = written_base(name, parent / f"{name}-{old}", old=old)
            folders.append(student(base, tmp_path / f"student-{name}-{old}"))
    four, five = read_by(older, folders), read_by(None, folders)
    assert four.pop("version") == "4.57.3" and five.pop("version").startswith("5.")
    for folder, read in five.items():
        apart = torch.tensor(four[folder].pop("logits")) - torch.tensor(read.pop("logits"))
        assert apart.abs().max() < 1e-5, folder
        assert four[folder] == read, folder
        assert read["ends"] == [3]
