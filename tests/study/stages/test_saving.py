"""The type in which a student is saved, decided on dev."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import read_questions
from noisy_student.data.spec import DataSpec
from noisy_student.labeling.examples import write_examples
from noisy_student.models import lab
from noisy_student.models.folder import folder_digest
from noisy_student.models.load import load
from noisy_student.models.save import save
from noisy_student.models.spec import ModelSpec
from noisy_student.records import Example
from noisy_student.study.plan.inputs import find
from noisy_student.study.plan.specs import sft
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import saving, split, train_sft


class Heard(Context):
    """A context that keeps its notices."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heard: list[str] = []

    def notice(self, text: str) -> None:
        self.heard.append(text)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Some gold examples to learn from, and dev questions of which the lab's model knows a part."""
    folder = tmp_path_factory.mktemp("split")
    data = DataSpec(labeled=100, unlabeled=4, test=4).model_dump(mode="json")
    split.run({"data": data, "seed": 1, "paths": {}}, {}, Context(folder))
    asked = read_questions(folder / "data" / "labeled.jsonl")
    write_examples(folder / "data" / "examples.jsonl", [Example(each.id, "so it is 4\n#### 4") for each in asked[:8]])
    return {"split": [folder / "data"], "examples": [folder / "data"]}


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab's model, stored in bfloat16."""
    folder = tmp_path_factory.mktemp("half")
    save(load(lab.folder("lab-m")), folder, dtype="bfloat16")
    return folder


def trained(base: Path, inputs: dict[str, list[Path]], context: Context, **more: Any) -> dict[str, Any]:
    settings = resolve(Request("v1"))
    spec = sft(settings)
    found = find(ModelSpec(id=str(base)))
    method = {**spec["sft"], "learning_rate": 1e-6, **more.pop("sft", {})}
    spec |= {"model": found.spec, "paths": found.paths, "seed": 1, "sft": method, **more}
    return train_sft.run(spec, inputs, context)


def types(folder: Path) -> tuple[set[torch.dtype], str]:
    weights = load_file(folder / "model.safetensors")
    return {weight.dtype for weight in weights.values()}, files.read_json(folder / "config.json")["dtype"]


def test_a_student_that_rounding_harms_on_no_dev_question_has_its_bases_type(
    half: Path, inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    context = Heard(tmp_path)
    summary = trained(half, inputs, context)
    assert types(context.data / "model") == ({torch.bfloat16}, "bfloat16"), context.heard
    assert summary["digest"] == folder_digest(context.data / "model")
    assert any("saved in bfloat16" in text for text in context.heard)
    assert (context.data / "model" / "model.safetensors").stat().st_size < 1.1 * (
        half / "model.safetensors"
    ).stat().st_size


def test_a_student_that_rounding_harms_stays_as_it_was_trained(
    half: Path, inputs: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Halved weights answer nothing.
    monkeypatch.setattr(
        saving, "round_weights", lambda student, dtype: [w.data.mul_(0.5) for w in student.model.parameters()]
    )
    context = Heard(tmp_path / "auto")
    trained(half, inputs, context)
    assert types(context.data / "model") == ({torch.float32}, "float32")
    assert any("saved in float32" in text and "2 times the space" in text for text in context.heard)
    told = Context(tmp_path / "told")
    trained(half, inputs, told, sft={"save_dtype": "trained"})
    assert files.sha256_file(told.data / "model" / "model.safetensors") == files.sha256_file(
        context.data / "model" / "model.safetensors"
    )


@pytest.mark.slow
def test_the_setting_is_obeyed_without_a_look_at_dev(
    half: Path, inputs: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_right", None)
    for wish, dtype in {"base": torch.bfloat16, "trained": torch.float32}.items():
        context = Context(tmp_path / wish)
        trained(half, inputs, context, sft={"save_dtype": wish})
        assert types(context.data / "model")[0] == {dtype}
    for name, lora in {"merged": True, "apart": False}.items():
        context = Context(tmp_path / name)
        how = {"rank": 2, "alpha": 32, "targets": "all-linear", "merge": lora}
        trained(half, inputs, context, lora=how, sft={"save_dtype": "base"})
        assert (context.data / "model").is_dir() == lora
        assert not lora or types(context.data / "model")[0] == {torch.bfloat16}


def test_without_dev_nothing_is_rounded(half: Path, inputs: dict[str, list[Path]], tmp_path: Path) -> None:
    kept = tmp_path / "split"
    kept.mkdir()
    for name in ("labeled.jsonl", "unlabeled.jsonl"):
        (kept / name).write_bytes((inputs["split"][0] / name).read_bytes())
    context = Heard(tmp_path / "work")
    trained(half, {**inputs, "split": [kept]}, context)
    assert types(context.data / "model")[0] == {torch.float32}
    assert any("no dev question" in text for text in context.heard)


def test_a_student_of_a_float32_base_is_saved_as_ever(
    inputs: dict[str, list[Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "_right", None)
    context = Heard(tmp_path)
    trained(lab.folder("lab-m"), inputs, context)
    assert types(context.data / "model") == ({torch.float32}, "float32")
    assert not [text for text in context.heard if "saved" in text]
