"""Whole runs by the command line: what a run leaves and prints, and what a second one does not do again."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from workplace import CONDITIONS, STUDY, Workplace, comparable, ended

from noisy_student import seeds
from noisy_student.data.generated import problems

FIELDS = {
    "": "schema study scale protocol model data seeds run_dir status conditions labels findings",
    "conditions": "name method seed status reason accuracy interval n correct strict_accuracy stop_rate"
    " trained_on steps trained_tokens sampled_tokens seconds",
    "labels": "name teacher seed k questions accuracy single_accuracy by_level",
    "findings": "name a b difference interval p_value p_adjusted method primary family unit seeds n margin mde verdict",
}
"""The contract of design section 3."""

LIGHT = """
import sys
from noisy_student.cli.main import main
code = main(sys.argv[1:])
heavy = {HEAVY} & set(sys.modules)
sys.exit(code or (f"imported {heavy}" if heavy else 0))
"""

SCRIPT = """
import json
from pathlib import Path
import noisy_student

if __name__ == "__main__":
    Path(".noisy-student").symlink_to("store")
    made = noisy_student.run("./tiny.toml", overrides={"compute": {"workers": 2}}, model="lab-m")
    print(json.dumps([made.findings, str(made.folder), made.grades(), repr(made)]))
"""


def without(*heavy: str) -> tuple[str, str]:
    """The program as one that fails if it has imported one of these."""
    return "-c", LIGHT.replace("HEAVY", ", ".join(map(repr, heavy)))


def rows(results: dict[str, Any], table: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by name; each name stands once."""
    found = {row["name"]: row for row in results[table]}
    assert len(found) == len(results[table])
    return found


def test_the_results_hold_every_field_of_the_contract(reference: Workplace) -> None:
    results = reference.results()
    for table, names in FIELDS.items():
        documents = results[table] if table else [results]
        assert documents, table
        for document in documents:
            assert set(names.split()) - set(document) == set(), table
    assert (results["schema"], results["status"], results["seeds"]) == (1, "done", [1])
    assert (reference.folder / results["run_dir"] / "results.json").is_file()


def test_the_numbers_of_the_results_fit_the_study(reference: Workplace) -> None:
    results = reference.results()
    conditions = rows(results, "conditions")
    assert list(conditions) == CONDITIONS
    assert results["data"]["counts"] == {"labeled": 16, "dev": 4, "unlabeled": 24, "test": 16}
    for row in conditions.values():
        assert (row["status"], row["reason"], row["n"]) == ("done", None, 16)
        assert row["accuracy"] == row["correct"] / 16
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    assert (conditions["base"]["trained_on"], conditions["base"]["steps"]) == (None, None)
    assert (conditions["baseline"]["trained_on"], conditions["baseline"]["steps"]) == (16, 2)
    assert (conditions["oracle"]["trained_on"], conditions["oracle"]["steps"]) == (40, 5)
    assert 16 < conditions["noisy-student"]["trained_on"] <= 40
    (votes,) = results["labels"]
    assert (votes["teacher"], votes["k"], votes["questions"]) == ("baseline", 4, 24)
    assert sum(level["questions"] for level in votes["by_level"]) <= 24
    (primary,) = [finding for finding in results["findings"] if finding["primary"]]
    student, baseline = conditions["noisy-student"], conditions["baseline"]
    assert primary["difference"] == pytest.approx(student["accuracy"] - baseline["accuracy"])
    assert (primary["unit"], primary["seeds"], primary["n"]) == ("checkpoints", 1, 16)
    assert {finding["verdict"] for finding in results["findings"] if not finding["primary"]} == {None}


def test_the_table_is_printed_and_the_page_needs_nothing_else(reference: Workplace) -> None:
    out = (reference.folder / "out.txt").read_text()
    assert "Does the whole of it work?" in out
    for name in CONDITIONS:
        assert re.search(rf"^\s*{name} ", out, re.MULTILINE), name
    page = reference.folder / reference.results()["run_dir"] / "report.html"
    assert f"Page: {page.relative_to(reference.folder)}" in out
    html = page.read_text(encoding="utf-8")
    assert all(name in html for name in CONDITIONS)
    outside = (
        r"""(?:src|href)\s*=\s*["']?(?!#|["']?data:|["']?#)|url\((?!\s*["']?(?:data:|#))|@import|<script[^>]+src"""
    )
    assert re.findall(outside, html) == []
    assert "Traceback" not in (reference.folder / "err.txt").read_text()


def test_the_same_command_again_computes_touches_and_imports_nothing(reference: Workplace) -> None:
    before, results = reference.times(), reference.results()
    light = without("torch", "transformers", "trl", "scipy", "matplotlib")
    done = reference.complete("--json", program=light)
    assert json.loads(done.stdout) == results == reference.results()
    assert done.stderr == ""
    again = reference.complete(program=light)
    assert again.stdout == (reference.folder / "out.txt").read_text()
    assert reference.times() == before


@pytest.mark.slow
def test_another_name_of_a_condition_computes_nothing_again(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path, STUDY.replace("noisy-student", "pupil"))
    before = place.times()
    place.complete(program=without("torch", "transformers", "trl"))
    assert place.times() == before
    renamed, results = rows(place.results(), "conditions"), rows(reference.results(), "conditions")
    assert {**renamed["pupil"], "name": "noisy-student"} == results["noisy-student"]
    assert place.results()["digest"] != reference.results()["digest"]


@pytest.mark.slow
def test_a_selection_that_cannot_be_met_is_skipped_with_its_reason(reference: Workplace, tmp_path: Path) -> None:
    choosy = 'choosy = { train = ["gold", "labels.votes"], select = { count = 25 } }\n[primary]\n'
    more = 'choosy-helps = { a = "choosy", b = "baseline" }\n[answers]\n'
    place = reference.copy(tmp_path, STUDY.replace("[primary]\n", choosy).replace("[answers]\n", more))
    before = place.manifests()
    done = place.complete()
    results = place.results()
    row = rows(results, "conditions")["choosy"]
    assert (row["status"], row["accuracy"], row["trained_on"]) == ("skipped", None, None)
    assert "select.count needs 25 questions" in row["reason"]
    assert {row["status"] for row in results["conditions"] if row["name"] != "choosy"} == {"done"}
    assert [finding["name"] for finding in results["findings"] if finding["primary"]] == ["noisy-helps"]
    assert results["status"] == "done"
    assert "select.count needs 25" in done.stderr
    assert before.items() <= place.manifests().items()
    assert place.complete("--json").stdout == json.dumps(results, indent=1) + "\n", "a skip is a result too"


@pytest.mark.slow
def test_three_seeds_speak_of_the_recipe_and_keep_the_first(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    before = place.manifests()
    place.complete("--seeds", "1,2,3")
    assert before.items() <= place.manifests().items()
    results = place.results()
    assert [(row["name"], row["seed"]) for row in results["conditions"]] == [
        (name, seed) for seed in (1, 2, 3) for name in CONDITIONS
    ]
    assert len({row["seed"] for row in results["labels"]}) == 3
    primary = [finding for finding in results["findings"] if finding["primary"]]
    assert [(finding["unit"], finding["seeds"], finding["n"]) for finding in primary] == [("recipe", 3, 48)]
    beside = [finding for finding in results["findings"] if finding["unit"] != "recipe"]
    assert {finding["seeds"] for finding in beside} == {3}
    assert comparable(reference.results())["conditions"] == comparable(results)["conditions"][:4]


@pytest.mark.slow
def test_two_workers_make_the_same_bytes_as_one(reference: Workplace, tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.complete("--set", "compute.workers=2")
    assert place.data() == reference.data()
    results = place.results()
    assert {**comparable(results), "settings": None} == {**comparable(reference.results()), "settings": None}
    assert results["digest"] == reference.results()["digest"]


@pytest.mark.slow
def test_a_run_from_python_is_the_run_of_the_command_line(reference: Workplace, tmp_path: Path) -> None:
    place = reference.copy(tmp_path)
    place.forget("train noisy-student")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = ended(place.python([sys.executable, "script.py"]))
    assert done.returncode == 0, done.stderr
    findings, folder, grades, shown = json.loads(done.stdout)
    assert findings == reference.results()["findings"]
    assert {row["condition"] for row in grades} == set(CONDITIONS)
    right = sum(row["correct"] for row in grades if row["condition"] == "baseline")
    accuracy = rows(reference.results(), "conditions")["baseline"]["accuracy"]
    assert right / 16 == accuracy
    assert len(shown) < 120
    assert (tmp_path / folder / "report.html").is_file()
    assert place.data() == reference.data()


@pytest.mark.slow
def test_a_student_is_a_folder_that_transformers_loads_by_itself(reference: Workplace) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = reference.store / "stages" / reference.node("train noisy-student").name / "data" / "model"
    model: Any = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Tom has 3 apples.", return_tensors="pt").input_ids
    with torch.no_grad():
        drawn = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=4, do_sample=False)
    assert drawn.shape[0] == 1
    assert ids.shape[1] < drawn.shape[1] <= ids.shape[1] + 4
    base = AutoModelForCausalLM.from_pretrained(reference.node("train noisy-student").paths["model"])
    changed = [name for name, tensor in model.state_dict().items() if not torch.equal(tensor, base.state_dict()[name])]
    assert changed, "training moved the weights"


@pytest.mark.slow
def test_questions_without_answers_drop_what_needs_their_truth(tmp_path: Path) -> None:
    stream = problems.problems(7, steps=(2, 4), share="study")
    parts = {"labeled": 60, "unlabeled": 72, "test": 16}  # more than are used: some repeat a test question
    for part, count in parts.items():
        with (tmp_path / f"{part}.jsonl").open("w") as file:
            for _ in range(count):
                problem = next(stream)
                row = {"question": problem.text}
                if part != "unlabeled":
                    row["answer"] = problems.gold_solution(problem, seeds.generator(7, "gold-solution", problem.text))
                file.write(json.dumps(row) + "\n")
    place = Workplace(tmp_path)
    sources = [word for part in parts for word in ("--set", f"data.source.{part}={part}.jsonl")]
    done = place.complete("--set", "data.source.kind=jsonl", *sources, "--model", "lab-m", "--anyway")
    results = place.results()
    conditions = rows(results, "conditions")
    assert {name: row["status"] for name, row in conditions.items()} == {
        **dict.fromkeys(CONDITIONS, "done"),
        "oracle": "skipped",
    }
    assert "0 of 24 unlabeled questions" in conditions["oracle"]["reason"]
    assert "0 of 24 unlabeled questions" in done.stderr
    (votes,) = results["labels"]
    assert (votes["accuracy"], votes["single_accuracy"], votes["questions"]) == (None, None, 24)
    assert {level["accuracy"] for level in votes["by_level"]} == {None}
