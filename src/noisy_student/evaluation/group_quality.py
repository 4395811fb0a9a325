"""Counts of GRPO's groups of answers where the truth is known, apart for right and for wrong labels.

A group whose answers all reach a wrong label gets full reward, so reinforcement cannot see that it is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from noisy_student.answer_key import AnswerKey
from noisy_student.answers.equivalence import same

SPAN = 10
"""Steps whose groups are pooled in the accuracy over steps."""


def group_quality(groups: Iterable[Mapping[str, Any]], key: AnswerKey) -> dict[str, Any]:
    """Count groups by origin and correctness of the label and by kind, with pseudo-labels' accuracy over the steps.

    Each group has ``step``, ``question_id``, ``origin``, ``label`` or None, ``answers`` and ``right``. Groups whose
    question the key does not hold are counted as unknown. ``over_steps`` has one row for every ten steps with the share
    of right labels among pseudo-labels.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    spans: dict[int, list[bool]] = {}
    for group in groups:
        origin = "pseudo" if group["origin"] == "vote" else str(group["origin"])
        right = _right(group, key)
        label = "unknown" if right is None else "none" if group["label"] is None else "right" if right else "wrong"
        counts[origin, label, _kind(group)] += 1
        if origin == "pseudo" and right is not None:
            spans.setdefault(group["step"] // SPAN, []).append(right)
    return {
        "groups": [
            {"origin": origin, "label": label, "kind": kind, "groups": count}
            for (origin, label, kind), count in sorted(counts.items())
        ],
        "over_steps": [
            {"step": span * SPAN, "labels": len(found), "accuracy": sum(found) / len(found)}
            for span, found in sorted(spans.items())
        ],
    }


def _right(group: Mapping[str, Any], key: AnswerKey) -> bool | None:
    if group["origin"] == "gold":
        return True
    if group["question_id"] not in key:
        return None
    return group["label"] is not None and same(group["label"], key[group["question_id"]].answer)


def _kind(group: Mapping[str, Any]) -> str:
    return "all-wrong" if not group["right"] else "all-right" if group["right"] == group["answers"] else "mixed"
