"""The choice on dev: the best student is handed on as if it were the only one, and nothing but dev decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import write_labels
from noisy_student.errors import UserError
from noisy_student.pipeline.node import parents_first
from noisy_student.records import Label, Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study.plan.plan import plan
from noisy_student.study.settings.files import Request, resolve
from noisy_student.study.stages import choose

RATES = [0.3, 1.0, 3.0]
SPEC = {"rule": "best-on-dev", "rates": RATES, "truncated": "abstain"}


def tried(folder: Path, answers: list[list[str]]) -> dict[str, list[Path]]:
    """A student and its samples on four dev questions, whose answers are 0 to 3, for each list of answers."""
    split = folder / "split"
    split.mkdir()
    write_labels(split / "dev_gold.jsonl", [Label(f"q{n}", str(n), None, "gold") for n in range(4)])
    inputs = {"split": [split]}
    for number, given in enumerate(answers):
        train, dev = folder / f"train-{number}", folder / f"dev-{number}"
        (train / "model").mkdir(parents=True)
        (train / "model" / "weights").write_text(str(number))
        (train / "groups.jsonl").write_text(f"{number}\n")
        dev.mkdir()
        rows = [Sample(f"q{n}", 0, f"#### {text}", (1,), "eos", 0.0, 1) for n, text in enumerate(given)]
        write_samples(dev / "samples.jsonl", rows)
        inputs |= {f"train-{number}": [train], f"dev-{number}": [dev]}
    return inputs


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ([["0", "9", "9", "9"], ["0", "1", "2", "9"], ["0", "1", "9", "9"]], 1),
        ([["0", "1", "9", "9"], ["9", "9", "2", "3"], ["9", "9", "9", "9"]], 0),  # of equals the first
        ([["9"] * 4, ["9"] * 4, ["0", "9", "9", "9"]], 2),
    ],
)
def test_the_best_on_dev_is_handed_on(answers: list[list[str]], chosen: int, tmp_path: Path) -> None:
    context = Context(tmp_path / "out")
    summary = choose.run(SPEC, tried(tmp_path, answers), context)
    assert summary["chosen"] == chosen
    assert [row["rate"] for row in summary["tried"]] == RATES
    assert (context.data / "model" / "weights").read_text() == str(chosen)
    assert (context.data / "groups.jsonl").read_text() == f"{chosen}\n"
    assert files.read_json(context.data / "choice.json") == summary


def without(inputs: dict[str, list[Path]], *skipped: int) -> dict[str, list[Path]]:
    """The inputs as a stage gets them where students at these rates could not be trained."""
    roles = {f"{role}-{number}" for number in skipped for role in ("train", "dev")}
    return {role: folders for role, folders in inputs.items() if role not in roles}


@pytest.mark.parametrize(("skipped", "chosen"), [((0,), 2), ((0, 2), 1), ((1,), 0)])
def test_a_rate_at_which_nothing_could_be_trained_is_not_chosen(
    skipped: tuple[int, ...], chosen: int, tmp_path: Path
) -> None:
    # At rate 1 none is right, so that it is chosen only where there is no other.
    answers = [["0", "1", "2", "3"], ["9", "9", "9", "9"], ["0", "1", "9", "9"]]
    context = Context(tmp_path / "out")
    inputs = without(tried(tmp_path, answers), *skipped)
    summary = choose.run(SPEC, inputs, context)
    assert summary["chosen"] == chosen
    right = [None if number in skipped else count for number, count in enumerate((4, 0, 2))]
    assert summary["tried"] == [{"rate": rate, "right": n, "n": 4} for rate, n in zip(RATES, right, strict=True)]
    assert (context.data / "model" / "weights").read_text() == str(chosen)


def test_without_any_student_there_is_none_to_choose(tmp_path: Path) -> None:
    context = Context(tmp_path / "out")
    inputs = without(tried(tmp_path, [["0"] * 4] * 3), 0, 1, 2)
    with refused("nothing-to-choose", "[0.3, 1.0, 3.0]"):
        choose.run(SPEC, inputs, context)
    assert not (context.data / "choice.json").exists()


def test_the_choice_waits_for_no_student_that_cannot_be_trained() -> None:
    (nodes,) = plan(settings()).conditions
    assert nodes.train is not None
    assert {node.stage for node in nodes.train.required} == {"split"}
    assert {node.stage for node in nodes.train.parents} == {"split", "train-sft", "sample"}


def settings(**condition: Any) -> Any:
    made = resolve(Request("v5"))
    changed = made.conditions["baseline"].model_copy(update=condition)
    return made.model_copy(update={"conditions": {"baseline": changed}, "primary": {}})


def test_every_rate_is_trained_and_dev_alone_is_asked() -> None:
    (nodes,) = plan(settings()).conditions
    assert nodes.train is not None and nodes.train.stage == "choose"
    behind = parents_first([nodes.train])
    rates = [node.spec["sft"]["learning_rate"] for node in behind if node.stage == "train-sft"]
    assert rates == pytest.approx([0.333e-3, 1e-3, 3e-3])
    assert {node.spec["part"] for node in behind if node.stage == "sample"} == {"dev"}
    assert "key" not in {node.stage for node in behind}


def test_an_adapter_has_ten_times_the_rate_and_its_base_at_hand() -> None:
    made = resolve(Request("v5"))
    (nodes,) = plan(
        made.model_copy(update={"conditions": {"a": made.conditions["grpo-lora-1"]}, "primary": {}})
    ).conditions
    assert nodes.train is not None
    trained = [node for node in parents_first([nodes.train]) if node.stage == "train-grpo"]
    assert [node.spec["grpo"]["learning_rate"] for node in trained] == pytest.approx([0.9e-3, 3e-3, 9e-3])
    assert all(node.spec["lora"]["rank"] == 1 for node in trained)
    drawn = [node for node in parents_first([nodes.grade]) if node.stage == "sample"]
    assert all(node.paths for node in drawn)


@pytest.mark.parametrize(
    ("condition", "fields", "code"),
    [
        ("baseline", {"rates": [1.0]}, "rates-invalid"),
        ("baseline", {"rates": [1.0, 1.0]}, "field-invalid"),
        ("base", {"rates": [1.0, 2.0]}, "unknown-field"),
        ("base", {"lora": {"rank": 4}}, "unknown-field"),
    ],
)
def test_rates_and_adapters_need_a_choice_and_a_training(condition: str, fields: dict[str, Any], code: str) -> None:
    with refused(code, next(iter(fields))):
        resolve(Request("v1", overrides={f"conditions.{condition}.{name}": value for name, value in fields.items()}))


def test_an_engine_that_reads_whole_models_is_refused_at_once() -> None:
    with refused("engine-without-adapters", "vllm"):
        resolve(Request("v5", overrides={"compute.engine": "vllm"}))


@pytest.mark.parametrize("factor", [float("inf"), 0.0, -1.0])
def test_a_rate_is_a_number(factor: float) -> None:
    with pytest.raises(UserError):
        resolve(Request("v5", overrides={"conditions.baseline.rates": [factor, 1.0]}))
