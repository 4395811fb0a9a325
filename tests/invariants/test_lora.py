"""Adapters by the command line: what a run says of them, what it hands over, and that equal runs make equal bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from workplace import STUDY, Workplace, comparable

from noisy_student import files
from noisy_student.data.rows import read_questions
from noisy_student.models.card import loading_line
from noisy_student.models.chat import Renderer
from noisy_student.sampling.sample import read_samples
from noisy_student.study.settings.files import Request, resolve

LORA = """
[conditions.sft-lora]
train = ["gold"]
lora = { rank = 2 }
rates = [1.0, 3.0]
[conditions.sft-merged]
train = ["gold"]
lora = { rank = 2, merge = true }
[conditions.grpo-lora]
method = "grpo"
train = ["gold", "labels.votes"]
lora = { rank = 2, targets = "attention" }
[grpo]
prompts = 2
generations = 4
max_new_tokens = 40
learning_rate = 1e-4
steps = 2
match = "steps"
"""

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    made = Workplace(tmp_path_factory.mktemp("lora"), STUDY + LORA)
    made.complete()
    return made


def test_the_results_say_what_was_trained_and_tried(place: Workplace) -> None:
    rows = {row["name"]: row for row in place.results()["conditions"]}
    assert {row["status"] for row in rows.values()} == {"done"}
    numbers = {name: row["trainable_parameters"] for name, row in rows.items()}
    assert 0 < numbers["grpo-lora"] < numbers["sft-lora"] == numbers["sft-merged"] < numbers["baseline"]
    tried = rows["sft-lora"]["tried"]
    assert [each["rate"] for each in tried] == [1.0, 3.0] and {each["n"] for each in tried} == {4}
    best = max(tried, key=lambda each: each["right"])
    full = resolve(Request(str(place.study))).sft.learning_rate
    assert rows["sft-lora"]["learning_rate"] == pytest.approx(10 * best["rate"] * full)
    assert rows["baseline"]["tried"] is None
    assert rows["grpo-lora"]["reward_bits"] >= 0 and rows["sft-lora"]["reward_bits"] is None


def test_an_adapter_is_handed_over_with_its_base(place: Workplace) -> None:
    (run,) = (place.folder / "runs").glob("*/models")
    assert (run / "sft-merged-1" / "model.safetensors").is_file()
    folder = run / "grpo-lora-1"
    assert not (folder / "model.safetensors").exists()
    base = files.read_json(folder / "adapter_config.json")["base_model_name_or_path"]
    assert Path(base).is_dir()
    kept = place.store / "stages" / place.node("train grpo-lora").name / "data" / "adapter" / "adapter_config.json"
    assert files.read_json(kept)["base_model_name_or_path"] is None
    names = {"AutoModelForCausalLM": AutoModelForCausalLM, "GenerationConfig": GenerationConfig}
    model: Any = eval(loading_line(folder), names)
    assert model.generation_config.eos_token_id == files.read_json(folder / "generation_config.json")["eos_token_id"]
    card = (folder / "README.md").read_text()
    assert "rank 2" in card and "Base: `lab-m`" in card and ".making" not in card
    assert "merged" in (run / "sft-merged-1" / "README.md").read_text()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    node, store = place.node("grade grpo-lora").inputs["samples"][0], place.store / "stages"
    questions = {q.id: q for q in read_questions(store / node.inputs["split"][0].name / "data" / "test.jsonl")}
    renderer = Renderer(tokenizer, resolve(Request(str(place.study))).prompt)
    for sample in list(read_samples(store / node.name / "data" / "samples.jsonl"))[:2]:
        ids = torch.tensor([renderer.encode(questions[sample.question_id])])
        made = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=24, do_sample=False)
        assert tokenizer.decode(made[0, ids.shape[1] :], skip_special_tokens=True).startswith(sample.text)


def test_equal_runs_make_equal_bytes(place: Workplace, tmp_path: Path) -> None:
    again = place.copy(tmp_path / "again", STUDY + LORA)
    again.forget("train grpo-lora")
    again.forget("train sft-lora x 3")
    again.complete()
    assert again.data() == place.data()
    assert comparable(again.results()) == comparable(place.results())
