"""Every check: a case in which it passes, and one in which it fails, warns or is unsure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noisy_student.evaluation.preflight.answers import vote_passes
from noisy_student.evaluation.preflight.checks import CHECKS, Check, CheckResult, judge_all
from noisy_student.evaluation.preflight.data import lookalike, read_golds, written_forms
from noisy_student.evaluation.preflight.facts import (
    Batches,
    Completion,
    Disk,
    Facts,
    Overlap,
    PoolGap,
    PromptComparison,
    Speed,
    StopIds,
    Votes,
)
from noisy_student.evaluation.preflight.model import common_prefix, compare_prompts
from noisy_student.records import MemoryRehearsal

GIB = 2**30


def step(method: str, rows: int, peak: int | None, free: int | None = 20 * GIB, reason: str = "") -> MemoryRehearsal:
    return MemoryRehearsal(method, rows, 1024, peak, free, "card", reason)


VOTES = Votes(4, 100, 70, 400, 396, 4, 120, 200, unanimous=30, unanimous_right=29)
GOOD = Facts(
    asked="100 questions",
    baseline=Votes(1, 100, 45, 100, 100, 0, 120, 130),
    votes=(VOTES,),
    labels={"votes": 8},
    cap=256,
    speed=Speed(8, 400.0, 100.0),
    stop_ids=StopIds((1, 2), (1, 2), 2, 3, pad_as_end=False),
    prompts=PromptComparison(50, 0, 0, 0),
    reading=read_golds([("18", "3 * 6 = 18\n#### 18")]),
    dtype="float32",
    overlap=Overlap(5000, 3, 0),
    batches=(Batches("sft", 800, 4, 4, 400), Batches("grpo", 800, 64, 8, 100, "questions", 8)),
    rehearsals=(step("sft", 4, 8 * GIB),),
    disk=Disk(5, 10 * GIB, 100 * GIB),
    gap=PoolGap(100, 45, 100, 44),
    completion=Completion(50, 0, 20, 4),
)

MISREAD = read_golds([("18", "It is nineteen.\n#### 19")])


def check(name: str, **changed: Any) -> CheckResult:
    """The check of that name where everything else is as it should be."""
    return next(found for found in judge_all(replace(GOOD, **changed)) if found.check == name)


def test_checks_that_pass_have_no_remedy() -> None:
    found = judge_all(GOOD)
    assert [row.check for row in found] == [check.name for check in CHECKS]
    assert {row.outcome for row in found} == {"pass"}
    assert [row.check for row in found if row.remedy] == []
    assert len({row.check for row in found}) == len({check.judge for check in CHECKS}) == len(CHECKS) == 15


def votes(K: int, right: int, **changed: Any) -> Votes:
    return replace(VOTES, K=K, right=right, samples=100 * K, readable=99 * K, **changed)


@pytest.mark.parametrize(
    ("name", "outcome", "changed", "remedy"),
    [
        ("baseline-accuracy", "fail", {"baseline": replace(VOTES, K=1, right=5)}, "stronger model"),
        ("baseline-accuracy", "fail", {"baseline": replace(VOTES, K=1, right=90)}, "Harder questions"),
        ("baseline-accuracy", "unsure", {"baseline": replace(VOTES, K=1, right=22)}, "--set checks.questions=400"),
        ("baseline-accuracy", "unsure", {"baseline": replace(VOTES, K=1, right=68)}, "--set checks.questions=400"),
        ("vote-accuracy", "fail", {"votes": (votes(4, 20), votes(8, 25), votes(16, 30))}, "labels.votes.K=16"),
        ("vote-accuracy", "unsure", {"votes": (votes(4, 45), votes(8, 52), votes(16, 51))}, "stronger model"),
        ("vote-accuracy", "pass", {"votes": (votes(4, 45), votes(8, 58), votes(16, 66))}, "--set labels.votes.K=16"),
        ("batched-speed-up", "warn", {"speed": Speed(8, 110.0, 100.0)}, "--set compute.width=512"),
        ("answer-parsing", "warn", {"votes": (replace(VOTES, readable=300),)}, "--set prompt.instruction="),
        ("answer-parsing", "fail", {"votes": (replace(VOTES, readable=100),)}, "--set prompt.instruction="),
        ("answer-parsing", "fail", {"votes": (replace(VOTES, readable=100, cut=300),)}, "see truncation"),
        ("truncation", "fail", {"votes": (replace(VOTES, cut=400, p99_ended=None),), "cap": 8}, "max_new_tokens=16 "),
        ("truncation", "fail", {"votes": (replace(VOTES, cut=41),)}, "--set sampling.max_new_tokens=512"),
        ("truncation", "warn", {"votes": (replace(VOTES, cut=20, p99_ended=250),)}, "max_new_tokens=320"),
        ("stop-ids", "fail", {"stop_ids": StopIds((1, 2), (2,), 2, 3, pad_as_end=False)}, "Add 1 to eos_token_id"),
        ("stop-ids", "fail", {"stop_ids": StopIds((1, 2), (1, 2), 2, 2, pad_as_end=False)}, "--set model.pad=apart"),
        ("stop-ids", "warn", {"stop_ids": StopIds((1, 2), (1, 2), 2, 2, pad_as_end=True)}, "--set model.pad=apart"),
        ("template", "fail", {"prompts": PromptComparison(50, 1, 0, 0)}, "--set prompt.style=raw"),
        ("extractor", "fail", {"reading": MISREAD}, "data.source.fields.answer"),
        ("extractor", "warn", {"reading": replace(GOOD.reading, missed_forms=2)}, "Fix these answers"),
        ("dtype", "fail", {"dtype": "bfloat16"}, "--set model.dtype=float32"),
        ("test-overlap", "fail", {"overlap": Overlap(5000, 0, 1)}, "Remove these questions"),
        ("test-overlap", "warn", {"overlap": Overlap(900, 100, 0)}, "data.source.test"),
        ("batches", "fail", {"batches": (Batches("grpo", 800, 64, 7, 100, "questions", 8),)}, "grpo.micro_batch=8"),
        ("batches", "fail", {"batches": (Batches("grpo", 80, 20, 20, 100, "questions", 8),)}, "More examples"),
        ("batches", "warn", {"batches": (Batches("sft", 40, 16, 16, 3),)}, "--set sft.batch=4"),
        ("memory", "fail", {"rehearsals": (step("sft", 4, 21 * GIB),)}, "sft.micro_batch=2"),
        ("memory", "warn", {"rehearsals": (step("grpo", 9, 19 * GIB),)}, "grpo.micro_batch=3"),
        ("memory", "fail", {"rehearsals": (step("sft", 1, None, GIB, "out"),)}, "A smaller model"),
        ("memory", "fail", {"workers": 3}, "--set compute.workers=1"),
        ("disk", "fail", {"disk": Disk(5, 101 * GIB, 100 * GIB)}, "noisy-student gc --delete"),
        ("disk", "warn", {"disk": Disk(5, 90 * GIB, 100 * GIB)}, "noisy-student gc --delete"),
        ("pool-against-test", "fail", {"gap": PoolGap(100, 90, 100, 40)}, "memorised"),
        ("pool-against-test", "warn", {"gap": PoolGap(100, 60, 100, 44)}, "memorised"),
        ("prompt-completion", "fail", {"completion": Completion(50, 25, 20, 40)}, "memorised"),
        ("prompt-completion", "warn", {"completion": Completion(50, 3, 20, 30)}, "memorised"),
    ],
)  # fmt: skip
def test_outcome_and_remedy(name: str, outcome: str, changed: dict[str, Any], remedy: str) -> None:
    found = check(name, **changed)
    assert (found.outcome, remedy in (found.remedy or "")) == (outcome, True), found
    others = [row for row in judge_all(replace(GOOD, **changed)) if row.check != name]
    assert {row.outcome for row in others} == {"pass"} or "votes" in changed


def test_memory_that_the_system_does_not_tell_is_unsure() -> None:
    found = check("memory", rehearsals=(step("sft", 4, None, None),))
    assert (found.outcome, found.measured, found.remedy) == ("unsure", "not known", None)


def test_a_test_that_is_harder_by_chance_or_easier_is_no_sign_of_memory() -> None:
    assert check("pool-against-test", gap=PoolGap(100, 50, 100, 44)).outcome == "pass"
    assert check("pool-against-test", gap=PoolGap(100, 40, 100, 90)).outcome == "pass"


@pytest.mark.parametrize("row", CHECKS, ids=lambda row: row.name)
def test_what_was_not_measured_passes_only_with_an_excuse(row: Check) -> None:
    nothing = Facts()
    assert {found.outcome for found in judge_all(nothing)} == {"unsure"}
    excused = next(found for found in judge_all(Facts(excused={row.name: "no file"})) if found.check == row.name)
    missing = next(found for found in judge_all(Facts(missing={row.name: "it died"})) if found.check == row.name)
    assert (excused.outcome, excused.detail) == ("pass", "no file")
    assert (missing.outcome, missing.detail) == ("fail", "it died")


@given(st.integers(0, 200), st.integers(1, 200))
def test_more_right_votes_never_pass_worse(right: int, questions: int) -> None:
    right = min(right, questions)
    assert vote_passes(questions, questions) == (questions >= 4)
    if right < questions:
        assert vote_passes(right, questions) <= vote_passes(right + 1, questions)


@given(st.integers(-99_999, 99_999), st.booleans())
def test_every_whole_number_is_read_in_every_form_and_never_taken_for_its_double(number: int, half: bool) -> None:
    answer = f"{number}.5" if half and number else str(number)
    found = read_golds([(answer, None)])
    assert (found.missed_golds, found.missed_forms, found.taken_wrong) == (0, 0, 0), found.examples
    assert found.forms == found.wrong == len(list(written_forms(answer))) == len(list(written_forms(lookalike(answer))))


def test_a_reader_that_took_the_first_number_would_be_found() -> None:
    found = read_golds([("12", "The answer is twelve")])
    assert (found.missed_golds, found.golds) == (1, 1)
    assert "12 is not read from" in found.examples[0]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (([1, 2], [1, 3, 9], [0, 0, 1]), (1, 0, 0)),
        (([1, 2], [1, 2, 7, 9], [0, 1, 1, 1]), (0, 1, 0)),
        (([1, 2], [1, 2, 7, 8], [0, 0, 1, 1]), (0, 0, 1)),
        (([1, 2], [1, 2, 7, 9], [0, 0, 1, 0]), (0, 1, 1)),
    ],
)
def test_an_example_that_differs_from_its_prompt_is_counted(row: Any, fault: tuple[int, int, int]) -> None:
    found = compare_prompts([row], end_id=9, stop_ids={9})
    assert (found.prompt_differs, found.mask_differs, found.end_differs) == fault
    assert compare_prompts([([1], [1, 9], [0, 1])], end_id=9, stop_ids={8}).end_differs == 1


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_the_length_of_a_run_is_that_of_the_common_beginning(written: list[int], known: list[int]) -> None:
    length = common_prefix(written, known)
    assert written[:length] == known[:length]
    assert written[length : length + 1] != known[length : length + 1] or length == len(written) == len(known)
