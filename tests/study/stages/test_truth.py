"""The stages that read the key where the truth of some unlabeled questions is not known."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.context import Context
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import read_labels, write_labels, write_questions
from noisy_student.labeling.vote import votes, write_votes
from noisy_student.records import Label, Question
from noisy_student.study.stages import label_quality, reveal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_questions(tmp_path / "unlabeled.jsonl", [Question("a", "1+1?"), Question("b", "2+2?")])
    write_votes(tmp_path / "votes.jsonl", votes([("a", "2"), ("b", "5")]))
    return tmp_path


def _key(folder: Path, **answers: str) -> None:
    write_key(folder / "key.jsonl", AnswerKey({i: KeyEntry(i, text, f"#### {text}") for i, text in answers.items()}))


def test_with_the_whole_truth_both_work(folder):
    _key(folder, a="2", b="4", c="9")
    context = Context(folder / "work")
    assert reveal.run({}, {"split": [folder], "key": [folder]}, context) == {"questions": 2, "labels": 2}
    assert [label.answer for label in read_labels(context.data / "labels.jsonl")] == ["2", "4"]
    summary = label_quality.run({}, {"votes": [folder], "key": [folder]}, context)
    assert (summary["votes"]["right"], summary["votes"]["questions"]) == (1, 2)
    assert files.read_json(context.data / "quality.json")["votes"]["right"] == 1


@pytest.mark.parametrize("known", [{}, {"a": "2"}])
def test_without_it_they_are_skipped_with_the_reason(folder, known):
    _key(folder, **known)
    with refused("answers-unknown", f"{len(known)} of 2"):
        reveal.run({}, {"split": [folder], "key": [folder]}, Context(folder / "work"))
    with refused("answers-unknown", str(2 - len(known))):
        label_quality.run({}, {"votes": [folder], "key": [folder]}, Context(folder / "work"))


def test_true_answers_without_a_worked_text_make_no_oracle(folder):
    write_key(folder / "key.jsonl", AnswerKey({"a": KeyEntry("a", "2", "#### 2"), "b": KeyEntry("b", "4", None)}))
    with refused("solutions-missing", "1 of 2"):
        reveal.run({}, {"split": [folder], "key": [folder]}, Context(folder / "work"))


def test_as_many_are_revealed_as_another_condition_learns_from(folder):
    _key(folder, a="2", b="4")
    like = folder / "like"
    like.mkdir()
    # Two texts of one question are one question.
    write_labels(like / "labels.jsonl", [Label("b", "5", text, "vote") for text in ("x", "y")])
    found = []
    for seed in range(8):
        context = Context(folder / f"work-{seed}")
        summary = reveal.run({"seed": seed}, {"split": [folder], "key": [folder], "like": [like]}, context)
        assert summary == {"questions": 1, "labels": 1}
        found += [label.question_id for label in read_labels(context.data / "labels.jsonl")]
    assert set(found) == {"a", "b"}
