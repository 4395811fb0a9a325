"""Algebra in a process that can be killed: what is equal, what cannot be decided, and that nothing is executed."""

from __future__ import annotations

import importlib.util
import time
from pathlib import Path

import pytest
from refusals import refused

from noisy_student.answers import math_pool
from noisy_student.answers.equivalence import merged, same
from noisy_student.answers.latex import canonical_latex
from noisy_student.labeling.stopping import tally_of
from noisy_student.labeling.vote import votes

here = all(importlib.util.find_spec(name) for name in math_pool.EXTRA)
needs_extra = pytest.mark.skipif(not here, reason="the extra math is not installed")
TOWER = r"\dfrac{5^{\left(5^{\left(5^{\left(5^5\right)}\right)} - 4\right)} - 5}{16}"
CALL = "__import__('os').system('touch PWN')"
ROOTS = ("\\sqrt{8}", "2\\sqrt2", "\\frac{4}{\\sqrt{2}}")


def _form(text: str) -> str:
    canonical = canonical_latex(text)
    assert canonical is not None
    return canonical


@needs_extra
def test_equal_values_in_other_forms_are_the_same_in_either_order() -> None:
    for a in ROOTS:
        for b in ROOTS:
            assert same(_form(a), _form(b))
    assert same(_form("\\sin^2 x + \\cos^2 x"), "1")
    assert same("1", _form("\\sin^2 x + \\cos^2 x"))
    assert not same(_form("\\sqrt{8}"), "3")
    assert not same(_form("(1,2)"), _form("(2,1)"))


@needs_extra
def test_a_ballot_counts_equal_forms_as_one() -> None:
    ballot = [_form(text) for text in (*ROOTS, "3", "\\pi")]
    leader = min(ballot[:3], key=lambda form: (len(form), form))
    assert merged([*ballot, None]) == [leader] * 3 + ["3", "$\\pi$", None]
    assert merged(ballot[::-1]) == merged(ballot)[::-1]
    assert tally_of(ballot) == (3, 1)
    (vote,) = votes([("q", answer) for answer in ballot], k=6)
    assert (vote.winner, vote.votes, vote.abstained) == (leader, 3, 1)
    assert vote.tally[0] == (leader, 3)


@needs_extra
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(TOWER, id="row 3"),
        pytest.param("9^{9^{9^9}}", id="row 4", marks=pytest.mark.slow),
        pytest.param("10000000!", id="row 5", marks=pytest.mark.slow),
    ],
)
def test_a_bomb_gets_a_verdict_and_the_worker_is_replaced(text: str) -> None:
    assert same(_form("\\frac{\\sqrt{2}}{2}"), _form("\\frac{1}{\\sqrt{2}}"))
    before, start = math_pool.unknown(), time.monotonic()
    assert not same(_form(text), "31")
    assert time.monotonic() - start < math_pool.WALL_SECONDS + 10
    assert math_pool.unknown() == before + 1
    # Not from the memory of verdicts: another worker has to answer.
    assert same(_form(f"\\sqrt{{{len(text)}8}}"), _form(f"\\sqrt{{{len(text)}8}}+0"))


@needs_extra
def test_no_payload_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (CALL, f"\\text{{{CALL}}}", f"\\operatorname{{{CALL}}}(1)", f"\\frac{{{CALL}}}{{2}}"):
        assert not same(_form(text), "0")
        assert not same(_form(text), _form("\\pi"))
    assert list(tmp_path.iterdir()) == []


def test_numbers_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math_pool, "_pool", lambda: pytest.fail("a process was started"))
    assert same("0.5", "1/2")
    assert not same("0.5", "0.6")
    assert merged(["4", None, "5"]) == ["4", None, "5"]


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(math_pool, "EXTRA", ("no_such_package", "pebble_of_mars"))
    math_pool._verdict.cache_clear()
    with refused("extra-missing", "no_such_package", "pebble_of_mars", 'pip install -e ".[math]"'):
        same("$\\pi$", "$\\tau$")
