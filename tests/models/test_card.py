"""Papers of a student: the line that loads it as printed, the card, the base's license."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from models import tiny
from models.test_save import older, read_by  # noqa: F401  # a fixture
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from noisy_student import files
from noisy_student.models import lab
from noisy_student.models.adapter import write_adapter
from noisy_student.models.card import Base, Student, add_papers, base_of, loading_line
from noisy_student.models.load import load
from noisy_student.models.save import save
from noisy_student.training.specs.lora import LoraSpec
from noisy_student.training.student import adapt

TURN_END, TEXT_END = 2, 0
SPEC: dict[str, Any] = {
    "sft": {"learning_rate": 2e-5},
    "lora": None,
    "seed": 7,
    "prompt": {"style": "chat", "instruction": "End with ####.", "template": "Q: {question} A:"},
}
SUMMARY = {"examples": 40, "steps": 20}


def two_ends(folder: Path) -> Path:
    """A base whose EOS ends a text, while its template ends a turn with another token, as it learned."""
    shutil.copytree(lab.folder("lab-m"), folder)
    for name, changes in {
        "tokenizer_config.json": {"eos_token": "<|endoftext|>"},
        "config.json": {"eos_token_id": TEXT_END},
        "generation_config.json": {"eos_token_id": TEXT_END},
    }.items():
        files.write_json(folder / name, {**files.read_json(folder / name), **changes})
    return folder


def adapter_of(base: Path, folder: Path) -> Path:
    write_adapter(adapt(load(base), LoraSpec(rank=2), seed=1), folder)
    config = files.read_json(folder / "adapter_config.json")
    files.write_json(folder / "adapter_config.json", {**config, "base_model_name_or_path": str(base)})
    return folder


def ended(model: Any, tokenizer: Any) -> int:
    """How many of 20 sampled answers end."""
    turns = [{"role": "user", "content": "Tom has 5 apples and buys 3 more. How many apples has Tom now?"}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False)
    torch.manual_seed(0)
    made = model.generate(**ids, do_sample=True, max_new_tokens=100, num_return_sequences=20)
    stops = set(model.generation_config.eos_token_id)
    return sum(bool(stops & set(row[ids["input_ids"].shape[1] :].tolist())) for row in made)


@pytest.mark.parametrize("kind", ["adapter", "whole"])
def test_a_student_that_is_loaded_as_printed_ends_its_answers(kind: str, tmp_path: Path) -> None:
    base, folder = two_ends(tmp_path / "base"), tmp_path / 'a "student"'
    if kind == "adapter":
        adapter_of(base, folder)
    else:
        save(load(base), folder)
    names = {"AutoModelForCausalLM": AutoModelForCausalLM, "GenerationConfig": GenerationConfig}
    model = eval(loading_line(folder), names)
    assert model.generation_config.eos_token_id == [TEXT_END, TURN_END]
    assert ended(model, AutoTokenizer.from_pretrained(folder)) >= 18


def test_the_card_loads_its_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = two_ends(tmp_path / "base")
    folder = adapter_of(base, tmp_path / "student")
    add_papers(folder, Base("lab-m", None, base), Student("student", "student", SPEC, SUMMARY))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec((folder / "README.md").read_text().split("```python\n")[1].split("```")[0], names)
    assert names["model"].generation_config.eos_token_id == [TEXT_END, TURN_END]
    assert names["tokenizer"].encode("Tom") == load(base).tokenizer.encode("Tom")


CARD = "---\nlanguage: en\nlicense: apache-2.0  # as below\nlicense_link: 'LICENSE'\r\n---\n# Base\nlicense: mit\n"


def handed_over(base: Path, folder: Path, **more: Any) -> tuple[dict[str, Any], str]:
    """The head and the text of a student's card."""
    save(load(base), folder)
    add_papers(folder, Base("base", "owner/base", base), Student("named", "A: #1", {**SPEC, **more}, SUMMARY))
    head, text = (folder / "README.md").read_text().removeprefix("---\n").split("\n---\n", 1)
    return yaml.safe_load(head), text


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny.folder(tmp_path / "base")


def test_the_license_and_its_files_are_handed_on(base: Path, tmp_path: Path) -> None:
    (base / "README.md").write_text(CARD)
    for name in ("LICENSE", "NOTICE", "Notice.md", "LICENCE.txt", "COPYING", "USE_POLICY.md"):
        (base / name).write_text(f"{name} of the base")
    head, text = handed_over(base, tmp_path / "student")
    assert (head["license"], head["license_link"]) == ("apache-2.0", "LICENSE")
    assert (head["base_model"], head["base_model_relation"]) == ("owner/base", "finetune")
    assert "apache-2.0" in text and "`NOTICE`" in text
    for name in ("LICENSE", "NOTICE", "Notice.md", "LICENCE.txt", "COPYING", "USE_POLICY.md"):
        assert (tmp_path / "student" / name).read_text() == f"{name} of the base"
    assert 'AutoTokenizer.from_pretrained("named")' in text
    assert "# Base" not in text, "the student's card is its own"


def test_a_license_that_is_nowhere_is_said_to_be(base: Path, tmp_path: Path) -> None:
    head, text = handed_over(base, tmp_path / "student")
    assert "license" not in head
    assert "name no license" in text
    (base / "LICENSE").write_text("own terms")
    head, text = handed_over(base, tmp_path / "other")
    assert (head["license"], head["license_link"]) == ("other", "LICENSE")
    assert "`LICENSE`" in text


@pytest.mark.parametrize(
    "card",
    [
        "",
        "license: mit\n",
        "---\nlicense: mit\n",
        "---\nlicense:\n  - mit\n---\n",
        "---\nlicense: \x1b[31m\n---\n",
        "---\nlicense: [mit](https://evil.example)\n---\n",
        "---\nlicense: <script>\n---\n",
        "\xff",
    ],
)
def test_a_base_card_without_a_readable_license_names_none(card: str, base: Path, tmp_path: Path) -> None:
    (base / "README.md").write_text(card, encoding="latin-1")
    head, _ = handed_over(base, tmp_path / "student")
    assert "license" not in head


def test_only_files_of_the_base_are_handed_on(base: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("secret")
    (base / "LICENSE").symlink_to(tmp_path / "key")
    (base / "NOTICE").mkdir()
    (base / "LICENSE.weights").write_bytes(b"0" * (1 << 21))
    handed_over(base, tmp_path / "student")
    assert not [
        path for path in (tmp_path / "student").iterdir() if path.name.upper().startswith(("LICENSE", "NOTICE"))
    ]


def test_the_card_says_how_the_student_was_made(base: Path, tmp_path: Path) -> None:
    _, text = handed_over(base, tmp_path / "student")
    for part in ("supervised fine-tuning", "40 examples", "20 steps", "2e-05", "seed 7", "float32", "End with ####."):
        assert part in text
    lora = {"rank": 8, "merge": True}
    _, text = handed_over(base, tmp_path / "other", lora=lora, prompt={**SPEC["prompt"], "style": "raw"})
    assert "rank 8, merged" in text and "Q: {question} A:" in text


def test_the_type_of_the_weights_is_named_where_it_is_not_the_bases(base: Path, tmp_path: Path) -> None:
    config = files.read_json(base / "config.json")
    files.write_json(base / "config.json", {**config, "dtype": "bfloat16"})
    _, text = handed_over(base, tmp_path / "student")
    assert "float32" in text and "bfloat16" in text


def test_the_base_is_found_where_it_is_local(base: Path) -> None:
    assert base_of({"digest": "d"}, str(base), name="/home/me/mine") == Base("mine", None, base, "d")
    assert base_of({"gguf": "e"}, str(base / "model.gguf"), name="m.gguf") == Base("m.gguf", digest="e")
    assert base_of({"hub": "a/b", "revision": None}, "a/b", name="a/b") == Base("a/b", "a/b")


@pytest.mark.slow
def test_transformers_4_loads_an_adapter_as_printed(older: Path, tmp_path: Path) -> None:  # noqa: F811
    folder = adapter_of(two_ends(tmp_path / "base"), tmp_path / "student")
    read = read_by(older, [folder])
    assert read["version"] == "4.57.3"
    assert read[str(folder)]["ids"] == read_by(None, [folder])[str(folder)]["ids"]
