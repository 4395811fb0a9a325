"""Model folders that bring code, bombs or broken weights: refused by the command line, and nothing of theirs is run."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from refusals import refused
from safetensors.torch import load_file, save_file

from noisy_student.cli.main import main
from noisy_student.models.load import load

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
import tiny  # noqa: E402

WEIGHTS = "model.safetensors"


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("PWN"),)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("q.jsonl").write_text('{"question": "Tom has 5 apples ?"}\n')
    return Path(shutil.copytree(saved, tmp_path / "model"))


def _entry(name: str, **entries: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **entries}))

    return change


def _pickle(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_bytes(pickle.dumps(Bomb())) and None


def _template(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "chat_template.jinja").write_text(text) and None


def _weights(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / WEIGHTS).write_bytes(change((folder / WEIGHTS).read_bytes())) and None


def _number(value: float) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        tensors = load_file(folder / WEIGHTS)
        tensors[max(tensors)].view(-1)[-1] = value
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})

    return change


def _header(text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(text)) + text.encode()) and None


SHARD = {"metadata": {}, "weight_map": {"model.norm.weight": "../secret.safetensors"}}
OVERLAP = {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"}
TEXT = "{{ messages[0]['content'] }}"
DOUBLING = "{% set n = namespace(x='a') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}"
HOSTILE = {
    "22": _entry("config.json", _attn_implementation_internal="evil/repo"),
    "23 auto_map": _entry("config.json", auto_map={"AutoModelForCausalLM": "evil--mod.Cls"}),
    "23 tokenizer": _entry("tokenizer_config.json", auto_map={"AutoTokenizer": ["evil--mod.Cls", None]}),
    "23 trust": _entry("config.json", text_config={"trust_remote_code": True}),
    "25 weights": lambda folder: (folder / WEIGHTS).rename(folder / "pytorch_model.bin") and None,
    "custom generate": lambda folder: (folder / "custom_generate").mkdir(),
    "processor": _entry("processor_config.json", auto_map={"AutoProcessor": "evil--mod.Cls"}),
    "preprocessor": _entry("preprocessor_config.json", auto_map={"AutoImageProcessor": "evil--mod.Cls"}),
    "video": _entry("video_preprocessor_config.json", auto_map={"AutoVideoProcessor": "evil--mod.Cls"}),
    "kernel 1": _entry("config.json", _attn_implementation="evil/repo"),
    "kernel 2": _entry("config.json", attn_implementation="evil/repo@v1:fn"),
    "kernel 3": _entry("config.json", text_config={"_experts_implementation": "evil/repo"}),
    "kernel 4": _entry("config.json", attn_implementation={"text_config": "evil/repo"}),
    "kernel 5": _entry("config.json", use_kernels=True),
    "kernel 6": _entry("config.json", kernel_config={"RMSNorm": "evil/repo:Norm"}),
    "kernel 7": _entry("config.json", my_kernel_repo="evil/repo"),
    "kernel 8": _entry("config.json", _attn_implementation="flash_attention_2"),
    "kernel 9": _entry("generation_config.json", cache_implementation="evil/repo"),
    "generate": _entry("generation_config.json", custom_generate="evil/repo"),
    "other file": _entry("config.json", transformers_weights="sub/other.safetensors"),
    "other config": _entry("config.json", configuration_files=["config.5.0.0.json"]),
    "26 tojson": _template("{{ messages | tojson(indent=10**9) }}" + TEXT),
    "26 tools": _template("{% if tools is defined %}" + DOUBLING + "{% endif %}" + TEXT),
    "26 bos": _template("{% if bos_token is not defined or eos_token %}" + DOUBLING + "{% endif %}" + TEXT),
    "26 clock": _template("{% if strftime_now('%Y')|int > 2000 %}" + DOUBLING + "{% endif %}" + TEXT),
    "26 generation": _template("{% generation %}" + DOUBLING + "{% endgeneration %}" + TEXT),
    "26 recursion": _template("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}" + TEXT),
    "26 nested": _template("{% if 1 %}" * 3000 + "{% endif %}" * 3000 + TEXT),
    "26 unknown tag": _template("{% evil %}" + TEXT),
    "26 random": _template("{{ range(10**6) | random }}{{ messages[0]['content'] | upper }}"),
    "26 escape": _template("{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    "26 text": _template("{{ 'a'*100000000 }}"),
    "26 loop": _template("{% for i in range(10**9) %}{{ i }}{% endfor %}"),
    "26 globals": _template("{{ cycler.__init__.__globals__.os.system('touch PWN') }}"),
    "26 output": _template("{% for i in range(99999) %}{{ 'aaaaaaaaaaaaaaaa' }}{% endfor %}"),
    "26 loops": _template("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}" + TEXT),
    "26 power": _template("{% set n = 99999 %}{% set x = n**(n*n) %}" + TEXT),
    "26 product": _template("{% set x = ('a'*99999)*20000 %}" + TEXT),
    "26 doubling": _template(DOUBLING + TEXT),
    "26 changes": _template("{{ messages[0]['content'] | upper }}"),
    "27": _entry("adapter_config.json", base_model_name_or_path="../../secret"),
    "27 hub": _entry("adapter_config.json", base_model_name_or_path="evil/other"),
    "shard": _entry("model.safetensors.index.json", **SHARD),
    "header": _header("x" * 10),
    "huge header": _weights(lambda content: struct.pack("<Q", 2**40) + content[8:]),
    "truncated": _weights(lambda content: content[:-100]),
    "trailing": _weights(lambda content: content + b"more"),
    "overlap": _header(json.dumps(OVERLAP) + "    "),
    "empty": _weights(lambda content: b""),
    "nan": _number(float("nan")),
    "infinity": _number(float("-inf")),
    "config": lambda folder: (folder / "config.json").write_bytes(b"\xff\xfe{") and None,
    "nested": lambda folder: (folder / "config.json").write_text("[" * 100_000) and None,
    "no object": lambda folder: (folder / "config.json").write_text("[]") and None,
    "fields": _entry("config.json", hidden_size="x", layer_types=7, rope_parameters=[]),
    "tokenizer": lambda folder: (folder / "tokenizer.json").write_text('{"model": 7}') and None,
    "architecture": _entry("config.json", model_type="../../x"),
    "labels": _entry("config.json", num_labels=10**9),
    "layers": _entry("config.json", num_hidden_layers=10**9, layer_types=None),
    "vocabulary": _entry("config.json", vocab_size=2**31),
    "width": _entry("config.json", intermediate_size=2**31),
    "end": _entry("generation_config.json", eos_token_id="x"),
    "end in config": _entry("config.json", eos_token_id=[1, "x"]),
    "longest": _entry("tokenizer_config.json", model_max_length="x"),
    "pointer": lambda folder: (folder / WEIGHTS).write_text("version https://git-lfs.github.com/spec/v1\n") and None,
    "fifo": lambda folder: os.mkfifo(folder / "added_tokens.json"),
    "link": lambda folder: (folder / "merges.txt").symlink_to("nothing"),
}


@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=pytest.mark.slow) if case == "26 power" else case for case in HOSTILE]
)
def test_a_hostile_folder_is_refused(case: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    HOSTILE[case](folder)
    assert main(["sample", "q.jsonl", "--model", "./model", "--k", "1"]) == 1
    said = capfd.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "bug in noisy-student" not in said.err
    assert len(said.err.splitlines()) >= 2
    assert not list(folder.parent.rglob("PWN"))


@pytest.mark.parametrize("name", ["rng_state.pth", "optimizer.pt", "training_args.bin", "scheduler.pt"])
def test_a_trainers_leftovers_are_never_read(name: str, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _pickle(name)(folder)
    (folder / "modeling_evil.py").write_text("open('PWN', 'w')")
    words = ["--k", "1", "--set", "sampling.max_new_tokens=2"]
    assert main(["sample", "q.jsonl", "--model", "./model", *words]) == 0
    assert not list(folder.parent.rglob("PWN"))


def test_metadata_of_weights_is_not_looked_at(folder: Path) -> None:
    save_file(load_file(folder / WEIGHTS), folder / WEIGHTS, metadata={"format": "pt", "x": "<script>\x1b[2J" * 1000})
    assert torch.isfinite(next(load(folder).model.parameters())).all()


def test_a_hub_id_that_would_be_a_path_is_none() -> None:
    for name in ("a/../b", "../../secret", "a--b/c", "-rf/x", "a/b/c", "a b", "a\nb", "~nobody-here/x"):
        with refused("model-not-found", name):
            load(name)
