"""Groups against the key: right and wrong labels apart, and the accuracy of pseudo-labels over the steps."""

from __future__ import annotations

from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.evaluation.label_quality import group_quality


def group(step: int, name: str, label: str | None, right: int, origin: str = "vote") -> dict[str, object]:
    return {"step": step, "question_id": name, "origin": origin, "label": label, "answers": 4, "right": right}


KEY = AnswerKey({"a": KeyEntry("a", "4"), "b": KeyEntry("b", "5")})


def test_kinds_are_counted_apart_for_right_and_wrong_labels() -> None:
    groups = [
        group(0, "g", "9", 4, origin="gold"),
        group(0, "a", "4.0", 2),
        group(1, "a", "4", 4),
        group(1, "b", "7", 4),
        group(2, "b", "7", 0),
        group(2, "b", None, 0),
        group(2, "elsewhere", "1", 1),
    ]
    found = group_quality(groups, KEY)["groups"]
    assert {(row["origin"], row["label"], row["kind"]): row["groups"] for row in found} == {
        ("gold", "right", "all-right"): 1,
        ("pseudo", "right", "mixed"): 1,
        ("pseudo", "right", "all-right"): 1,
        ("pseudo", "wrong", "all-right"): 1,
        ("pseudo", "wrong", "all-wrong"): 1,
        ("pseudo", "none", "all-wrong"): 1,
        ("pseudo", "unknown", "mixed"): 1,
    }


def test_the_accuracy_of_pseudo_labels_is_followed_over_the_steps() -> None:
    groups = [group(step, "a", "4" if step < 10 else "5", 1) for step in range(20)]
    groups += [group(15, "g", "1", 1, origin="gold"), group(15, "elsewhere", "1", 1)]
    assert group_quality(groups, KEY)["over_steps"] == [
        {"step": 0, "labels": 10, "accuracy": 1.0},
        {"step": 10, "labels": 10, "accuracy": 0.0},
    ]
