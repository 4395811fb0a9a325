"""Model folders from public reports (rows p), and neighbours of each: refused by name, or read right.

A model that is read gives the logits of the model that it was made from; everything else is an error before any text.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from refusals import refused
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from noisy_student.models import lab
from noisy_student.models.adapter import merged, write_adapter
from noisy_student.models.availability import local
from noisy_student.models.chat import Renderer
from noisy_student.models.load import find_folder, load, load_tokenizer
from noisy_student.models.save import save
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.records import Question
from noisy_student.study.plan.inputs import find

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 2683592\n"
IDS = torch.tensor([[5, 9, 2, 17, 30, 4, 11, 8]])
Tensors = dict[str, Tensor]
Change = Callable[[Path], object]
Refusal = tuple[str, ...]
"""Code, and words that the message holds; empty for a model that is read right."""


def rows(name: str) -> list[dict[str, Any]]:
    text = (Path(__file__).parent / f"{name}.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def drop(*names: str) -> Change:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def write(name: str, content: str | bytes) -> Change:
    return lambda folder: (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def entries(name: str, **given: object) -> Change:
    def change(folder: Path) -> None:
        path = folder / name
        path.write_text(json.dumps({**(json.loads(path.read_text()) if path.exists() else {}), **given}))

    return change


def weights(edit: Callable[[Tensors], Tensors]) -> Change:
    def change(folder: Path) -> None:
        save_file(edit(load_file(folder / WEIGHTS)), folder / WEIGHTS, metadata={"format": "pt"})

    return change


def named(rename: Callable[[str], str]) -> Change:
    return weights(lambda tensors: {rename(name): weight for name, weight in tensors.items()})


def without(part: str) -> Change:
    return weights(lambda tensors: {name: weight for name, weight in tensors.items() if part not in name})


def marked(name: str) -> Change:
    return lambda folder: (folder / name).write_bytes(b"\xef\xbb\xbf" + (folder / name).read_bytes())


def both(*changes: Change) -> Change:
    def change(folder: Path) -> None:
        for each in changes:
            each(folder)

    return change


def sharded(folder: Path, *, count: int = 2) -> None:
    """Write the weights as shards with an index, as save_pretrained does."""
    tensors = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(tensors)
    index: dict[str, str] = {}
    for number in range(count):
        shard = f"model-{number + 1:05}-of-{count:05}.safetensors"
        part = names[number::count]
        save_file({name: tensors[name] for name in part}, folder / shard, metadata={"format": "pt"})
        index |= dict.fromkeys(part, shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))


def named_twice(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = content[8 : 8 + length].decode().rstrip()
    name = "model.norm.weight"
    entry = json.dumps({name: json.loads(header)[name]})[1:]
    again = f"{header[:-1]},{entry}".encode()
    (folder / WEIGHTS).write_bytes(len(again).to_bytes(8, "little") + again + content[8 + length :])


def shard_twice(folder: Path) -> None:
    sharded(folder)
    first, second = sorted(folder.glob("model-*"))
    save_file({**load_file(second), **dict(list(load_file(first).items())[:1])}, second)


def trainer(folder: Path) -> None:
    for step in (500, 1000):
        shutil.copytree(folder, folder.parent / f"checkpoint-{step}")
    for path in folder.iterdir():
        path.unlink()
    for step in (500, 1000):
        (folder.parent / f"checkpoint-{step}").rename(folder / f"checkpoint-{step}")


def truncated(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[: len(content) // 2])


def templates(folder: Path) -> None:
    default = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    listed = [{"name": "default", "template": default}, {"name": "tool_use", "template": "{{ 1 / 0 }}"}]
    entries("tokenizer_config.json", chat_template=listed)(folder)


def emptied(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    content["model"] |= {"vocab": {}, "merges": []}
    (folder / "tokenizer.json").write_text(json.dumps(content))


MISSING, NO_VOCABULARY = "weights-missing", "tokenizer-without-vocabulary"
VERSIONED = "tokenizer_config.json"
ROWS: dict[str, tuple[Change, Refusal]] = {
    "P-01": (drop("tokenizer.json"), (NO_VOCABULARY, "tokenizer.json")),
    "P-02": (drop("tokenizer.json", VERSIONED), (NO_VOCABULARY, "tokenizer.json")),
    "P-03": (drop("tokenizer.json", VERSIONED, "chat_template.jinja"), (NO_VOCABULARY, "tokenizer.json")),
    "P-04": (named("_orig_mod.{}".format), (MISSING, "_orig_mod.model.", "torch.compile")),
    "P-06": (named("module.{}".format), (MISSING, "module.model.", "DDP")),
    "P-07": (named(lambda name: name.replace("q_proj.", "q_proj.base_layer.")), (MISSING, "base_layer", "PEFT")),
    "P-08": (without("layers.3.mlp"), (MISSING, "3 weights", "model.layers.3.mlp.down_proj.weight")),
    "P-09": (weights(lambda tensors: {}), (MISSING, "model.embed_tokens.weight")),
    "P-11": (lambda folder: save_file(load_file(folder / WEIGHTS), folder / WEIGHTS), ()),
    "P-12": (write(WEIGHTS, POINTER), ("lfs-pointer", WEIGHTS, "git lfs pull")),
    "P-13": (write("pytorch_model.bin", b"\x80\x02."), ()),
    "P-16": (trainer, ("model-folder-incomplete", "checkpoint-500, checkpoint-1000")),
    "P-17": (entries("generation_config.json", do_sample=False, temperature=0.6), ()),
    "P-18": (templates, ()),
    "P-19": (marked("config.json"), ()),
}
NEIGHBOURS: dict[str, tuple[Change, Refusal]] = {
    "an empty vocabulary": (emptied, (NO_VOCABULARY,)),
    "tokenizer.json is a pointer": (write("tokenizer.json", POINTER), ("lfs-pointer", "tokenizer.json")),
    "config.json is a pointer": (write("config.json", POINTER), ("lfs-pointer", "config.json")),
    "compiled inside": (named(lambda name: name.replace("model.", "model._orig_mod.")), (MISSING, "torch.compile")),
    "adapter": (named("base_model.model.{}".format), (MISSING, "merge_and_unload")),
    "adapter beside": (
        weights(
            lambda tensors: {**tensors, "model.layers.0.self_attn.q_proj.lora_A.default.weight": torch.zeros(2, 128)}
        ),
        (MISSING, "merge_and_unload"),
    ),
    "a saved module": (named(lambda name: name.replace("norm.w", "norm.modules_to_save.default.w")), (MISSING, "PEFT")),
    "fsdp": (named("_fsdp_wrapped_module.{}".format), (MISSING, "FSDP")),
    "value head": (named("pretrained_model.{}".format), (MISSING, "value head")),
    "checkpointing": (named(lambda name: name.replace(".mlp", "._checkpoint_wrapped_module.mlp")), (MISSING,)),
    "a prefix of its own": (named("student.{}".format), (MISSING, '"student."')),
    "lightning": (named("net.model.{}".format), (MISSING, '"net.model."')),
    "names of another library": (named(lambda name: name.replace("q_proj", "wq")), (MISSING, "q_proj", "wq")),
    "base model only": (named(lambda name: name.removeprefix("model.")), ()),
    "one prefix too many": (named("model.{}".format), ()),
    "some without prefix": (named(lambda name: name.removeprefix("model.") if "layers.1" in name else name), ()),
    "both with and without": (
        weights(lambda tensors: {**tensors, "norm.weight": tensors["model.norm.weight"] + 1}),
        ("weight-named-twice", "norm.weight"),
    ),
    "the first layer": (without("layers.0."), (MISSING, "12 weights", "model.layers.0.")),
    "the last norm": (without("model.norm"), (MISSING, "model.norm.weight")),
    "no embedding": (without("embed_tokens"), (MISSING, "model.embed_tokens.weight")),
    "no biases": (without(".bias"), (MISSING, "k_proj.bias")),
    "no q_proj": (without("q_proj.weight"), (MISSING, "4 weights", "q_proj.weight")),
    "one tensor": (weights(lambda tensors: {"model.norm.weight": tensors["model.norm.weight"]}), (MISSING,)),
    "a layer more in config.json": (
        entries("config.json", num_hidden_layers=5, layer_types=["full_attention"] * 5),
        (MISSING, "model.layers.4."),
    ),
    "a layer less in config.json": (
        entries("config.json", num_hidden_layers=3, layer_types=["full_attention"] * 3),
        (MISSING, "model.layers.3.", "num_hidden_layers"),
    ),
    "untied without a head": (entries("config.json", tie_word_embeddings=False), (MISSING, "lm_head.weight")),
    "tied with its head": (
        weights(lambda tensors: {**tensors, "lm_head.weight": tensors["model.embed_tokens.weight"].clone()}),
        (),
    ),
    "another width": (entries("config.json", intermediate_size=128), (MISSING, "[256, 128]", "[128, 128]")),
    "another vocabulary": (entries("config.json", vocab_size=700), (MISSING, "[616, 128]")),
    "more tensors": (
        weights(lambda tensors: {**tensors, "score.weight": torch.zeros(1, 128)}),
        (MISSING, "score.weight"),
    ),
    "a tensor named twice": (named_twice, ("weight-named-twice", "model.norm.weight")),
    "a tensor in two shards": (shard_twice, ("weight-named-twice",)),
    "shards": (sharded, ()),
    "a shard is missing": (
        both(sharded, drop("model-00002-of-00002.safetensors")),
        ("shard-missing", "model-00002-of-00002.safetensors"),
    ),
    "a shard is a pointer": (
        both(sharded, write("model-00002-of-00002.safetensors", POINTER)),
        ("lfs-pointer", "00002"),
    ),
    "shards without an index": (both(sharded, drop(INDEX)), ("model-folder-incomplete", INDEX)),
    "an empty index": (
        both(sharded, write(INDEX, '{"weight_map": {}}')),
        ("model-config-malformed", INDEX),
    ),
    "an index of one shard": (
        both(sharded, lambda folder: one_shard(folder)),
        (MISSING,),
    ),
    "another name": (
        lambda folder: (folder / WEIGHTS).rename(folder / "weights.safetensors"),
        ("model-folder-incomplete", "weights.safetensors"),
    ),
    "cut off": (truncated, ("weights-damaged", "bytes")),
    "a name of a distributed checkpoint": (
        lambda folder: shutil.copy(folder / WEIGHTS, folder / "shard-00001-model-00001-of-00001.safetensors"),
        ("model-folder-incomplete", "shard-00001"),
    ),
    "an index of pickles beside": (
        both(
            write("pytorch_model.bin", b"\x80\x02."),
            write("pytorch_model.bin.index.json", '{"weight_map": {"x": "a.bin"}}'),
        ),
        (),
    ),
    "marks on all": (
        both(
            *map(marked, ("config.json", VERSIONED, "tokenizer.json", "generation_config.json", "chat_template.jinja"))
        ),
        (),
    ),
    "config.json in UTF-16": (
        lambda folder: (folder / "config.json").write_bytes((folder / "config.json").read_text().encode("utf-16")),
        ("not-utf8", "config.json"),
    ),
    "an end that is a word": (
        entries("generation_config.json", eos_token_id="x"),
        ("model-config-malformed", "eos_token_id", '"x"'),
    ),
    "an end that is a fraction": (
        entries("generation_config.json", eos_token_id=[1, 2.5]),
        ("model-config-malformed", "2.5"),
    ),
    "an end that is true": (entries("config.json", eos_token_id=True), ("model-config-malformed", "true")),
    "an end below 0": (entries("generation_config.json", eos_token_id=-1), ("model-config-malformed", "-1")),
    "an end in an object": (
        entries("generation_config.json", eos_token_id={"a": 1}),
        ("model-config-malformed", "eos_token_id"),
    ),
    "a padding that is a list": (
        entries("generation_config.json", pad_token_id=[[0]]),
        ("model-config-malformed", "pad_token_id"),
    ),
    "a temperature that is a word": (
        entries("generation_config.json", temperature="hot"),
        ("model-config-malformed", "hot"),
    ),
    "an attention of its own": (
        entries("config.json", _attn_implementation="owner/name"),
        ("code-in-model-folder", "_attn_implementation"),
    ),
    "another attention than ours": (entries("config.json", _attn_implementation="eager"), ("code-in-model-folder",)),
    "no attention": (entries("config.json", _attn_implementation=None), ()),
    "kernels are numbers": (entries("config.json", conv_kernel=[5, 3], linear_conv_kernel_dim=4), ()),
    "no default among templates": (
        both(drop("chat_template.jinja"), entries(VERSIONED, chat_template=[{"name": "a", "template": "x"}])),
        ("chat-template-unusable", "default"),
    ),
}


SEEN_ON_LOADING = {
    *("an empty vocabulary", "no default among templates", "another width", "another vocabulary", "more tensors"),
    "untied without a head",
}
"""Cases that a plan cannot know: it imports no torch and reads names only."""


def one_shard(folder: Path) -> None:
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"] = {name: shard for name, shard in index["weight_map"].items() if "00001-of" in shard}
    (folder / INDEX).write_text(json.dumps(index))


@pytest.fixture(scope="module")
def original() -> PreTrainedModel:
    return load(lab.folder("lab-m")).model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(
        shutil.copytree(lab.folder("lab-m"), tmp_path / "lab", ignore=shutil.ignore_patterns("SHA256SUMS.json"))
    )


def holds(original: PreTrainedModel, path: Path, tmp_path: Path) -> None:
    """Assert that the model at ``path`` gives the logits and the prompt of the original, also after it was saved."""
    loaded = load(path)
    save(loaded, tmp_path / "saved")
    prompts = [
        Renderer(tokenizer, PromptSpec()).encode(Question("q", "Tom has 5."))
        for tokenizer in (loaded.tokenizer, load_tokenizer(lab.folder("lab-m")).tokenizer)
    ]
    assert prompts[0] == prompts[1]
    with torch.no_grad():
        for model in (loaded.model, load(tmp_path / "saved").model):
            assert torch.equal(model(IDS).logits, original(IDS).logits)


@pytest.mark.parametrize("case", [*(row["case"] for row in rows("p-model-folders")), *NEIGHBOURS])
def test_a_folder_is_read_whole_or_refused(case: str, folder: Path, tmp_path: Path, original: PreTrainedModel) -> None:
    change, refusal = ROWS.get(case) or NEIGHBOURS[case]
    change(folder)
    if not refusal:
        find(ModelSpec(id=str(folder)))
        holds(original, folder, tmp_path)
        return
    with refused(*refusal):
        load(folder)
    with refused(*refusal):
        load_tokenizer(folder)
    if case not in SEEN_ON_LOADING:
        with refused(*refusal):
            find(ModelSpec(id=str(folder)))


def cache_root(folder: Path, *, snapshots: tuple[str, ...] = ("abc",), ref: str | None = "abc") -> Path:
    """Make a folder of the hub's cache, with links to blobs."""
    root = folder.parent / "models--org--name"
    for name in snapshots:
        (root / "snapshots" / name).mkdir(parents=True)
        (root / "blobs").mkdir(exist_ok=True)
        for path in folder.iterdir():
            shutil.copy(path, root / "blobs" / path.name)
            (root / "snapshots" / name / path.name).symlink_to(Path("../../blobs") / path.name)
    if ref is not None:
        (root / "refs").mkdir()
        (root / "refs/main").write_text(f"{ref}\n")
    return root


@pytest.mark.parametrize("ref", ["abc", None])
def test_a_folder_of_the_hubs_cache_is_its_snapshot(
    ref: str | None, folder: Path, tmp_path: Path, original: PreTrainedModel
) -> None:
    root = cache_root(folder, ref=ref)
    assert find_folder(root) == root / "snapshots/abc" == local(ModelSpec(id=str(root)))
    assert find(ModelSpec(id=str(root))).spec == find(ModelSpec(id=str(folder))).spec
    holds(original, root, tmp_path)


def test_a_cache_with_several_snapshots_names_them(folder: Path) -> None:
    root = cache_root(folder, snapshots=("abc", "def"), ref=None)
    with refused("model-folder-incomplete", "abc, def"):
        load(root)
    assert find_folder(root, revision="def") == root / "snapshots/def"
    (root / "refs").mkdir()
    (root / "refs/main").write_text("gone")
    with refused("model-folder-incomplete", "abc, def", "gone"):
        find(ModelSpec(id=str(root)))


def test_a_folder_of_models_names_them(folder: Path) -> None:
    cache_root(folder)
    with refused("model-folder-incomplete", "lab", "models--org--name"):
        load(folder.parent)
    with refused("model-not-found", "is a file"):
        load(folder / WEIGHTS)


@pytest.mark.parametrize("edit", ["layers.3", "lora_B", "nothing"])
def test_an_adapter_is_read_whole_or_refused(edit: str, tmp_path: Path) -> None:
    base = load(lab.folder("lab-m"))
    torch.manual_seed(0)
    config = LoraConfig(task_type="CAUSAL_LM", target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    model: Any = get_peft_model(base.model, config)  # type: ignore[arg-type]
    write_adapter(replace(base, model=model), tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    held = {name: weight for name, weight in load_file(path).items() if edit not in name}
    save_file(held, path)
    if edit == "nothing":
        with torch.no_grad():
            found = merged(load(lab.folder("lab-m")), tmp_path).model(IDS).logits
            torch.testing.assert_close(found, model(IDS).logits, atol=1e-4, rtol=1e-4)
        return
    with refused("weights-missing", edit):
        merged(load(lab.folder("lab-m")), tmp_path)
