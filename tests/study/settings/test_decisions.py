"""Decision tree of a study: its grammar, the names that it may use, and the branch that is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student.study.settings.decisions import Decision, check_names, decided
from noisy_student.study.settings.files import Request, resolve

KNOWN = {"findings": ["helps-much"], "conditions": ["base"], "labels": ["votes"]}


def row(asked: str, then: str = "v2") -> Decision:
    return Decision.model_validate({"if": asked, "then": then})


def results(verdict: str | None = "helps", accuracies: tuple[float | None, ...] = (0.5,)) -> dict[str, Any]:
    return {
        "findings": [
            {"name": "helps-much", "primary": True, "verdict": verdict},
            {"name": "helps-much", "primary": False, "verdict": "hurts"},
        ],
        "conditions": [{"name": "base", "accuracy": value} for value in accuracies],
        "labels": [{"name": "votes", "accuracy": 0.4}],
    }


def taken(*tree: tuple[str, str], **found: Any) -> str | None:
    decision = decided([row(*each) for each in tree], results(**found))
    assert decision is not None
    return decision["taken"]


def test_the_first_row_that_holds_is_taken() -> None:
    tree = (("helps-much is hurts", "a"), ("labels.votes.accuracy < 0.5", "b"), ("otherwise", "c"))
    assert taken(*tree) == "b"
    assert taken(*tree, verdict="hurts") == "a"
    assert taken(("labels.votes.accuracy > 0.5", "a"), ("otherwise", "c")) == "c"
    assert taken(("labels.votes.accuracy > 0.5", "a")) is None


def test_over_several_seeds_the_mean_counts() -> None:
    tree = (("conditions.base.accuracy > 0.5", "a"), ("otherwise", "b"))
    assert taken(*tree, accuracies=(0.4, 0.7)) == "a"
    assert taken(*tree, accuracies=(0.4, 0.6)) == "b", "a bound is not above itself"


@pytest.mark.parametrize("found", [{"verdict": None}, {"accuracies": (0.6, None)}, {"accuracies": ()}])
def test_what_is_not_known_ends_the_walk(found: dict[str, Any]) -> None:
    asked = "helps-much is helps" if "verdict" in found else "conditions.base.accuracy > 0.5"
    decision = decided([row(asked, "a"), row("otherwise", "b")], results(**found))
    assert decision is not None
    assert decision["taken"] is None
    assert [each["holds"] for each in decision["rows"]] == [None]


def test_a_study_without_a_tree_decides_nothing() -> None:
    assert decided([], results()) is None


@pytest.mark.parametrize(
    ("asked", "code", "value"),
    [
        ("helps-much is great", "unknown-verdict", "great"),
        ("helps-much was helps", "decision-unreadable", "helps-much was helps"),
        ("labels.votes.accuracy <= 0.5", "decision-unreadable", "<= 0.5"),
        ("labels.votes.accuracy < 0.5 or otherwise", "decision-unreadable", "or otherwise"),
        ("import os", "decision-unreadable", "import os"),
        ("label.votes.accuracy < 0.5", "unknown-table", 'Did you mean "labels"'),
        ("labels.votes.acuracy < 0.5", "unknown-measure", 'Did you mean "accuracy"'),
    ],
)
def test_what_cannot_be_asked_is_named(asked: str, code: str, value: str) -> None:
    with refused(code, value):
        row(asked)


@pytest.mark.parametrize(
    ("tree", "code", "value"),
    [
        (["help-much is helps"], "unknown-name", "help-much"),
        (["conditions.bas.accuracy > 0.5"], "unknown-name", 'Did you mean "base"'),
        (["otherwise", "helps-much is helps"], "decision-unreachable", "1 rows"),
    ],
)
def test_a_row_names_what_the_study_has_and_can_be_reached(tree: list[str], code: str, value: str) -> None:
    with refused(code, value):
        check_names([row(each) for each in tree], KNOWN)


def test_a_user_sees_the_fault_in_one_message(tmp_path: Path) -> None:
    study = tmp_path / "mine.toml"
    study.write_text(
        'question = "?"\ndecide = [{ if = "it is helps", then = "v6" }]\n[conditions]\nbase = { method = "none" }\n'
    )
    with refused("unknown-name", '"it"'):
        resolve(Request(str(study)))


def test_packaged_trees_can_be_walked() -> None:
    for name in ("v1", "v1-5", "v4"):
        tree = resolve(Request(name)).decide
        assert tree[-1].if_ == "otherwise" and all(each.because for each in tree)
