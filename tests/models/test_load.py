from __future__ import annotations

import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest
import torch
from refusals import refused
from transformers import AutoModelForCausalLM, AutoTokenizer

from noisy_student.models.folder import folder_digest
from noisy_student.models.load import load
from noisy_student.models.save import save

sys.path.insert(0, str(Path(__file__).parent))
import tiny  # noqa: E402


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.folder(tmp_path_factory.mktemp("model"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


class Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("PWN"),)


def change(path: Path, **entries: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def test_stop_and_pad_are_settled_everywhere(folder: Path) -> None:
    loaded = load(folder, threads=1)
    assert loaded.stop_ids == {3}
    assert loaded.pad_id == 1 == loaded.tokenizer.pad_token_id == loaded.model.config.pad_token_id
    assert loaded.model.generation_config.eos_token_id == [3]
    assert loaded.turn_end_id == 3
    assert not loaded.model.training
    assert load(folder, pad="eos").pad_id == 3


def test_dtype_and_attention_are_what_was_asked(folder: Path) -> None:
    loaded = load(folder, dtype="float64", attn="eager")
    assert loaded.model.dtype == torch.float64
    assert loaded.model.config._attn_implementation == "eager"


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("config.json", {"_attn_implementation_internal": "evil/repo"}),
        ("config.json", {"auto_map": {"AutoModelForCausalLM": "evil--mod.Cls"}}),
        ("config.json", {"text_config": {"trust_remote_code": True}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["evil--mod.Cls", None]}}),
    ],
)
def test_code_that_comes_with_a_model_is_refused(folder: Path, name: str, entry: dict[str, object]) -> None:
    change(folder / name, **entry)
    with refused("code-in-model-folder", next(iter(entry)) if "text_config" not in entry else "trust_remote_code"):
        load(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"])
def test_pickled_weights_are_refused_unread(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    (folder / name).write_bytes(pickle.dumps(Bomb()))
    assert load(folder).digest == folder_digest(folder)
    (folder / "model.safetensors").unlink()
    with refused("pickled-weights"):
        load(folder)
    assert not (folder / "PWN").exists()


@pytest.mark.parametrize(
    ("shard", "code"),
    [
        ("../secret.safetensors", "shard-outside-folder"),
        ("/etc/passwd", "shard-outside-folder"),
        ("sub/x.safetensors", "shard-outside-folder"),
        (1, "shard-outside-folder"),
        ("gone.safetensors", "shard-missing"),
    ],
)
def test_shards_outside_of_the_folder_are_refused(folder: Path, shard: object, code: str) -> None:
    index = {"metadata": {}, "weight_map": {"model.norm.weight": shard}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with refused(code, "index.json"):
        load(folder)


def test_adapters_are_refused(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "../../secret"}')
    with refused("adapter-as-model"):
        load(folder)


def test_what_is_no_model_is_refused(folder: Path, tmp_path: Path) -> None:
    with refused("model-not-found"):
        load(tmp_path / "missing")
    with refused("model-not-found"):
        load("nobody/nothing")
    (tmp_path / "empty").mkdir()
    with refused("model-folder-incomplete", "config.json"):
        load(tmp_path / "empty")
    (folder / "model.safetensors").unlink()
    with refused("model-folder-incomplete", "model.safetensors"):
        load(folder)


def test_the_digest_is_of_content_not_of_place(folder: Path, saved: Path) -> None:
    (folder / "README.md").write_text("hello")
    assert folder_digest(folder) == folder_digest(saved)
    change(folder / "generation_config.json", temperature=0.5)
    assert folder_digest(folder) != folder_digest(saved)


def test_a_checkpoint_has_the_same_bytes_wherever_it_is_written(folder: Path, saved: Path, tmp_path: Path) -> None:
    written = []
    for number, source in enumerate((folder, saved)):
        target = tmp_path / f"out{number}"
        assert save(load(source), target) == folder_digest(target)
        written.append({path.name: path.read_bytes() for path in target.iterdir()})
    assert written[0] == written[1]
    assert not [name for name in written[0] if name.endswith((".bin", ".pt"))]


def test_plain_from_pretrained_loads_a_checkpoint(folder: Path, tmp_path: Path) -> None:
    loaded = load(folder)
    save(loaded, tmp_path / "out")
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "out")
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    ids = torch.tensor([tokenizer.encode("Tom has 5 apples")])
    assert torch.equal(model(ids).logits, loaded.model(ids).logits)
    assert tokenizer.chat_template == tiny.TEMPLATE
    assert (tokenizer.pad_token_id, model.generation_config.eos_token_id) == (1, [3])
