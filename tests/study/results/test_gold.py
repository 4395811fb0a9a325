"""Gold that training left out: counted by condition, in words, and no verdict where more than a fifth is lost."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from noisy_student.records import Finding
from noisy_student.report.wording import sentence, verdict_words
from noisy_student.study.results.gold import gold_notes, withheld
from noisy_student.study.results.labels import unlabeled_notes
from noisy_student.study.settings.files import Request, resolve

SETTINGS = resolve(Request("v1"))
NAME, CONTRAST = next(iter(SETTINGS.primary.items()))


def finding(**changes: Any) -> Finding:
    made = Finding(
        NAME, CONTRAST.a, CONTRAST.b, 0.1, (0.05, 0.15), 0.001, 0.003, "mcnemar", True, "primary", "checkpoints", 1,
        100, 0.02, 0.05, "helps",
    )  # fmt: skip
    return replace(made, **changes)


def row(name: str, left: int, of: int = 20) -> dict[str, Any]:
    return {"name": name, "gold": {"questions": of, "left_out": left, "words": f"{left} longer than 64 tokens"}}


@pytest.mark.parametrize(("left", "kept"), [(0, True), (4, True), (5, False), (20, False)])
@pytest.mark.parametrize("side", [CONTRAST.a, CONTRAST.b])
def test_a_fifth_of_the_gold_is_the_limit(left: int, kept: bool, side: str) -> None:
    (made,) = withheld(SETTINGS, [finding()], [row(side, left), {"name": "other", "gold": None}])
    assert (made.verdict == "helps") == kept == (made.withheld is None)
    said = sentence(asdict(made), [])
    assert ("no verdict" in said) != kept
    if not kept:
        assert f"{20 - left} of 20" in said
        assert verdict_words({"primary": True, "difference": 0.1, "withheld": made.withheld}, []) == "withheld"


def test_others_and_exploratory_findings_stay() -> None:
    lost = [row("someone-else", 20)]
    assert withheld(SETTINGS, [finding()], lost) == [finding()]
    explored = finding(primary=False, verdict=None)
    assert withheld(SETTINGS, [explored], [row(CONTRAST.a, 20)]) == [explored]


def test_equal_losses_are_one_note() -> None:
    notes = gold_notes([row("a", 3), row("b", 3), row("c", 0), row("d", 7), {"name": "e", "gold": None}])
    assert len(notes) == 2
    assert notes[0].startswith("a, b: ") and "3 of 20" in notes[0]


@pytest.mark.parametrize(("coverage", "told"), [(0.9, False), (0.8, False), (0.79, True), (0.3, True)])
def test_a_fifth_without_a_label_is_said(coverage: float, told: bool) -> None:
    votes = {"name": "votes", "seed": 1, "k": 8, "questions": 100, "coverage": coverage, "tie_rate": 0.1}
    notes = list(unlabeled_notes([votes, {**votes, "tie_rate": None}, {**votes, "questions": None}], SETTINGS))
    assert len(notes) == told
    if told:
        assert "10 by a tie" in notes[0] and "first-seen" in notes[0] and "votes.K is 8" in notes[0]
