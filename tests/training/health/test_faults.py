"""Every named condition: a run of the lab is broken on purpose, and exactly that condition is found."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from refusals import refused
from training.health.lab_run import Fault, found, from_another_template, run

from noisy_student import files
from noisy_student.data.source import Item
from noisy_student.training.health.rules import RULES

pytestmark = pytest.mark.slow


def first_number(item: Item) -> str:
    """The first number of the question, which is hardly ever its answer."""
    number = re.search(r"\d+", item.question.text)
    assert number is not None
    return number.group()


def rarest(answers: Sequence[str | None]) -> str | None:
    """A vote that pays what nobody else says, so that no reward can rise for long."""
    counts = Counter(answer for answer in answers if answer is not None)
    return min(counts, key=lambda answer: (counts[answer], answer)) if counts else None


FAULTS = {
    "unreadable-gold": Fault(unreadable=25),
    "template-mismatch": Fault(dtype="bfloat16", spoil=from_another_template),
    "updates-swallowed": Fault(dtype="bfloat16", grpo={"learning_rate": 1e-6}),
    "learning-rate-too-high": Fault(grpo={"learning_rate": 3e-3}),
    "answers-never-end": Fault(model="lab-endless", grpo={"learning_rate": 1e-6}),
    "degenerate-repetition": Fault(model="lab-endless", truncated="last-number"),
    "cap-too-short": Fault(grpo={"max_new_tokens": 24}),
    "one-answer": Fault(relabel=lambda item: "20", grpo={"learning_rate": 1e-3, "generations": 16}),
    # Of fewer questions a fall must be nearly to 0 to be sure (docs/training.md).
    "collapse": Fault(relabel=first_number, grpo={"learning_rate": 1e-3, "generations": 16}, dev=100),
    "group-too-small": Fault(grpo={"generations": 2, "prompts": 32}),
    "pool-all-wrong": Fault(relabel=lambda item: "99999"),
    "pool-all-right": Fault(origin="vote", grpo={"online_votes": True, "temperature": 0.05}),
    "no-anchor-drift": Fault(origin="vote", grpo={"online_votes": True}, revote=rarest),
    "learning-rate-too-low": Fault(lora=True, grpo={"learning_rate": 1e-6}),
}


def test_there_is_a_fault_for_every_rule() -> None:
    assert set(FAULTS) == {rule.name for rule in RULES}


@pytest.mark.parametrize("name", FAULTS)
def test_exactly_this_is_found(name: str, tmp_path: Path) -> None:
    result = run(tmp_path, FAULTS[name])
    assert found(result) == {name}
    (diagnosis,) = result.health
    assert diagnosis["step"] == 30
    assert all(diagnosis[part] for part in ("evidence", "cause", "remedy"))
    rows = list(files.read_jsonl(tmp_path / "curves" / "health.jsonl"))
    assert [row["step"] for row in rows] == [0, 30]
    assert [item["name"] for item in rows[-1]["diagnoses"]] == [name]


def test_where_both_compute_exactly_another_template_stops_the_run_at_once(tmp_path: Path) -> None:
    with refused("template-mismatch", "nats at one token (step 0)"):
        run(tmp_path, Fault(spoil=from_another_template))
