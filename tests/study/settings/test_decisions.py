"""A study's decision tree: its grammar, what it may name, and which branch is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from noisy_student.errors import UserError
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
    ("asked", "words"),
    [
        ("helps-much is great", 'is "great"'),
        ("helps-much was helps", "It can ask for a verdict or for a number"),
        ("labels.votes.accuracy <= 0.5", "nothing else"),
        ("labels.votes.accuracy < 0.5 or otherwise", "nothing else"),
        ("import os", "nothing else"),
        ("label.votes.accuracy < 0.5", 'Did you mean "labels"'),
        ("labels.votes.acuracy < 0.5", 'Did you mean "accuracy"'),
    ],
)
def test_what_cannot_be_asked_is_named(asked: str, words: str) -> None:
    with pytest.raises((UserError, ValidationError)) as caught:
        row(asked)
    error = caught.value
    assert words in (str(error.errors()[0]["ctx"]["error"]) if isinstance(error, ValidationError) else str(error))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (["help-much is helps"], "none of this study's findings"),
        (["conditions.bas.accuracy > 0.5"], 'Did you mean "base"'),
        (["otherwise", "helps-much is helps"], '1 rows after "otherwise"'),
    ],
)
def test_a_row_names_what_the_study_has_and_can_be_reached(tree: list[str], words: str) -> None:
    with pytest.raises(UserError, match=words):
        check_names([row(each) for each in tree], KNOWN)


def test_a_user_sees_the_fault_in_one_message(tmp_path: Path) -> None:
    study = tmp_path / "mine.toml"
    study.write_text(
        'question = "?"\ndecide = [{ if = "it is helps", then = "v6" }]\n[conditions]\nbase = { method = "none" }\n'
    )
    with pytest.raises(UserError, match='decide asks for "it", which is none of this study'):
        resolve(Request(str(study)))


def test_packaged_trees_can_be_walked() -> None:
    for name in ("v1", "v1-5", "v4"):
        tree = resolve(Request(name)).decide
        assert tree[-1].if_ == "otherwise" and all(each.because for each in tree)
