"""Samples against the key."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.evaluation.grade import grade, read_grades, stop_rate
from noisy_student.evaluation.reveal import reveal
from noisy_student.records import Grade, Label, Sample

KEY = AnswerKey({"a": KeyEntry("a", "18", "9+9=18\n#### 18"), "b": KeyEntry("b", "0.75"), "c": KeyEntry("c", "7")})


def _sample(text, question_id="a", finish="eos", k=0):
    return Sample(question_id, k, text, (1, 2), finish, -1.5, 9)


@pytest.mark.parametrize(
    ("sample", "correct", "strict", "answer"),
    [
        (_sample("#### 18"), True, True, "18"),
        (_sample("#### $18.00 a day"), True, True, "18"),
        (_sample("The answer is 18."), True, False, "18"),
        (_sample("\\boxed{18}"), True, False, "18"),
        (_sample("9 + 9 makes 18"), True, False, "18"),
        (_sample("#### 17, though 18"), False, False, "17"),
        (_sample("3/4", "b"), True, False, "0.75"),
        (_sample("no idea"), False, False, None),
        (_sample(""), False, False, None),
        (_sample("#### 18", finish="length"), False, False, None),
        (_sample("#### 18\n", finish="answer"), True, True, "18"),
        (_sample("#### 18", finish="failed"), False, False, None),
    ],
)
def test_a_sample_is_right_by_any_reading_and_strict_after_the_mark_only(sample, correct, strict, answer):
    (made,) = grade([sample], KEY)
    assert made == Grade(sample.question_id, 0, correct, strict, answer, sample.finish)


def test_the_original_protocol_reads_what_was_cut_off():
    (made,) = grade([_sample("so 18", finish="length")], KEY, truncated="last-number")
    assert (made.correct, made.strict, made.answer) == (True, False, "18")


def test_grades_keep_order_and_k_and_come_back_from_their_file(tmp_path):
    samples = [_sample("#### 7", "c", k=1), _sample("#### 8", "c"), _sample("?", "b", "length")]
    made = list(grade(samples, KEY))
    assert [(row.question_id, row.k, row.correct) for row in made] == [("c", 1, True), ("c", 0, False), ("b", 0, False)]
    files.write_jsonl(tmp_path / "grades.jsonl", map(asdict, made))
    assert list(read_grades(tmp_path / "grades.jsonl")) == made


def test_a_question_outside_the_key_is_no_wrong_answer():
    with pytest.raises(KeyError, match="unknown"):
        list(grade([_sample("#### 18", "unknown")], KEY))


def test_the_stop_rate_counts_turns_that_ended_by_themselves():
    samples = [_sample("", finish=finish) for finish in ("eos", "length", "eos", "failed")]
    assert stop_rate(samples) == 0.5
    assert stop_rate([]) is None


def test_reveal_gives_the_known_truth_once_and_sorted():
    assert reveal(["c", "a", "a", "unknown"], KEY) == [
        Label("a", "18", "9+9=18\n#### 18", "revealed"),
        Label("c", "7", None, "revealed"),
    ]
