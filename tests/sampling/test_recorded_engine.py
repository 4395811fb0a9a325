"""Recorded samples: replayed by question and k, whatever seed drew them; what was not recorded is said."""

from __future__ import annotations

from refusals import refused

from noisy_student.records import Question, Sample
from noisy_student.sampling.engine import Decoding, Windows
from noisy_student.sampling.recorded_engine import RecordedEngine
from noisy_student.sampling.sample import Shard, chunks, draw_chunk

SAMPLES = [
    Sample(f"q{number}", k, f"text {number} {k}", (number, k), "eos", -0.25 * k, seed=77)
    for number in range(3)
    for k in range(4)
]


def replayed(ks: Shard, windows: Windows | None = None) -> list[Sample]:
    engine = RecordedEngine(SAMPLES, run_seed=5)
    questions = [Question(f"q{number}", "?") for number in range(3)]
    (chunk,) = chunks(questions, lambda question: (), shard=ks, samples=64)
    return draw_chunk(chunk, engine, decoding=Decoding(), decode=engine.decode, run_seed=5, windows=windows)


def test_samples_come_back_as_they_were_recorded() -> None:
    found = replayed(Shard(first=1, end=3))
    wanted = [sample for sample in SAMPLES if sample.k in (1, 2)]
    fields = ("question_id", "k", "text", "token_ids", "finish", "logprob")
    assert [[getattr(one, field) for field in fields] for one in found] == [
        [getattr(one, field) for field in fields] for one in wanted
    ]


def test_a_rule_may_stop_a_replay() -> None:
    found = replayed(Shard(first=0, end=4), Windows((2, 4), lambda prompt, draws: prompt == 1))
    assert [(one.question_id, one.k) for one in found] == [
        ("q0", 0), ("q0", 1), ("q1", 0), ("q1", 1), ("q1", 2), ("q1", 3), ("q2", 0), ("q2", 1),
    ]  # fmt: skip


def test_what_was_not_recorded_is_named() -> None:
    engine = RecordedEngine(SAMPLES, run_seed=5)
    assert engine.lacks("q0", range(6)) == [4, 5]
    assert engine.lacks("q9", range(2)) == [0, 1]
    assert engine.lacks("q2", range(4)) == []


def test_texts_without_tokens_are_refused() -> None:
    with refused("sample-without-tokens", "q0, k = 0"):
        RecordedEngine([Sample("q0", 0, "4", (), "eos", 0.0, 1)], run_seed=5)
    RecordedEngine([Sample("q0", 0, "", (), "failed", 0.0, 1)], run_seed=5)
