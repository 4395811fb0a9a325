"""Gold that training left out, by condition and reason, and the findings that are withheld for it.

A condition that learned from a few of its gold examples is another condition than the one that the study names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from noisy_student.records import Finding
from noisy_student.study.plan.nodes import ConditionNodes
from noisy_student.study.results.view import RunView
from noisy_student.study.settings.study import Settings

MOST_LEFT_OUT = 0.20
"""Share of the gold examples above which a condition that lost them has no verdict."""
REASONS = {
    "too_long": "longer than {limit}",
    "without_text": "without a worked text that reaches the answer",
    "unreadable": "with an answer that cannot be read",
}
"""Reasons by their names in the summaries of stages."""
_LIMITS = {"sft": "sft.max_length = {max_length} tokens", "grpo": "the context beside grpo.max_new_tokens"}


def gold_row(nodes: ConditionNodes, view: RunView) -> dict[str, Any] | None:
    """Return the gold questions of a condition and seed, those left out by reason, and these in words.

    None for a condition without gold and for methods that do not count it.
    """
    training = view.trained(nodes.train)
    read, trained = view.summary(nodes.learned), view.summary(training)
    if training is None or read is None or trained is None:
        return None
    counts = {**read.get("gold", {}), **trained.get("gold", {})}
    if "gold_too_long" in trained:
        counts["too_long"] = trained["gold_too_long"]
    if not counts.get("questions"):
        return None
    left = {name: int(counts[name]) for name in REASONS if counts.get(name)}
    method = view.settings.conditions[nodes.name].method
    own = {"max_length": 0, **training.spec.get(method, {})}
    limit = _LIMITS.get(method, "the limit of its training").format(**own)
    words = [f"{number} {REASONS[name].format(limit=limit)}" for name, number in left.items()]
    return {"questions": counts["questions"], "left_out": sum(left.values()), **left, "words": ", ".join(words)}


def gold_notes(conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one sentence for all conditions and seeds that lost the same gold examples."""
    named: dict[tuple[int, int, str], list[str]] = {}
    for row in conditions:
        gold = row.get("gold")
        if gold is not None and gold["left_out"]:
            named.setdefault((gold["left_out"], gold["questions"], gold["words"]), []).append(row["name"])
    return [
        f"{', '.join(dict.fromkeys(names))}: training left out {left} of {questions} gold examples ({words})."
        for (left, questions, words), names in named.items()
    ]


def withheld(settings: Settings, found: Sequence[Finding], conditions: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return the findings, without a verdict where a condition of theirs lost over a fifth of its gold examples."""
    lost: dict[str, str] = {}
    for row in conditions:
        gold = row["gold"]
        if gold is not None and gold["left_out"] > MOST_LEFT_OUT * gold["questions"]:
            used = gold["questions"] - gold["left_out"]
            lost.setdefault(row["name"], f"{row['name']} learned from {used} of {gold['questions']} gold examples")
    judged = []
    for finding in found:
        sides = settings.primary[finding.name].sides if finding.primary and finding.name in settings.primary else ()
        reasons = "; ".join(lost[side] for side in dict.fromkeys(sides) if side in lost)
        judged.append(replace(finding, verdict=None, withheld=reasons) if reasons else finding)
    return judged
