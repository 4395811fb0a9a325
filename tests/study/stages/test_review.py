"""The review of a round, its gate and the last of a chain, as stages on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import refused

from noisy_student import files
from noisy_student.context import Context
from noisy_student.data.rows import write_labels
from noisy_student.records import Finish, Label, Sample
from noisy_student.sampling.sample import write_samples
from noisy_student.study.stages import choose, gate, review

N, K = 10, 4
SPEC = {"error": 0.05, "rounds": 1, "K": K, "min_agreement": 0.75, "truncated": "abstain", "ties": "none"}


def sample(number: int, k: int, answer: str | None, tokens: int = 3, finish: Finish = "eos") -> Sample:
    text = "no idea" if answer is None else f"#### {answer}"
    return Sample(f"q{number}", k, text, (1,) * tokens, finish, -1.0, 0)


def put(folder: Path, samples: list[Sample]) -> list[Path]:
    folder.mkdir()
    write_samples(folder / "samples.jsonl", samples)
    return [folder]


@pytest.fixture
def inputs(tmp_path: Path) -> dict[str, list[Path]]:
    """Ten dev questions whose answers are their numbers: the round before answers eight, this one seven of those."""
    split = tmp_path / "split"
    split.mkdir()
    write_labels(split / "dev_gold.jsonl", [Label(f"q{i}", str(i), None, "gold") for i in range(N)])
    before = [sample(i, 0, str(i) if i < 8 else "77") for i in range(N)]
    now = [sample(i, 0, str(i) if 0 < i < 8 else None) for i in range(N)]
    # Before, all four agree on the right answer; now three do, and one of the four cannot be read.
    drawn = [sample(i, k, str(i)) for i in range(N) for k in range(K)]
    split_vote = [sample(i, k, str(i) if k else None, tokens=4) for i in range(N) for k in range(K)]
    return {
        "split": [split],
        "before-greedy": put(tmp_path / "a", before),
        "greedy": put(tmp_path / "b", now[:5]) + put(tmp_path / "b2", now[5:]),
        "before-drawn": put(tmp_path / "c", drawn),
        "drawn": put(tmp_path / "d", split_vote),
    }


def reviewed(inputs: dict[str, list[Path]], folder: Path, **spec: Any) -> dict[str, Any]:
    context = Context(folder)
    found = review.run({**SPEC, **spec}, inputs, context)
    written = files.read_json(context.data / "review.json")
    assert {**found, "alarms": None} == {**written, "alarms": None}
    assert [dict(alarm) for alarm in found["alarms"]] == written["alarms"]
    return found


def test_both_rounds_are_put_into_numbers(inputs: dict[str, list[Path]], tmp_path: Path) -> None:
    found = reviewed(inputs, tmp_path / "out")
    before, now = found["before"], found["now"]
    assert (before["accuracy"], now["accuracy"], found["questions"]) == (0.8, 0.7, N)
    assert (before["agreement"], now["agreement"]) == (1.0, 0.75)
    assert (before["coverage"], now["coverage"], before["precision"], now["precision"]) == (1.0, 1.0, 1.0, 1.0)
    assert (before["readable"], now["readable"], before["length"], now["length"]) == (1.0, 0.75, 3.0, 4.0)
    assert before["entropy"] == now["entropy"] == pytest.approx(3.3219281)
    assert (found["p_worse"], found["accepted"]) == (0.5, True)
    assert [alarm["name"] for alarm in found["alarms"]] == ["answers cannot be read"]


def test_a_threshold_that_nobody_reaches_selects_nothing(inputs: dict[str, list[Path]], tmp_path: Path) -> None:
    found = reviewed(inputs, tmp_path / "out", min_agreement=1.0)
    assert (found["now"]["coverage"], found["now"]["precision"], found["before"]["coverage"]) == (0.0, None, 1.0)


def test_an_alarm_in_the_review_before_makes_this_one_the_second(inputs: dict[str, list[Path]], tmp_path: Path) -> None:
    reviewed(inputs, tmp_path / "first")
    second = reviewed({**inputs, "previous": [tmp_path / "first/data"]}, tmp_path / "second")
    assert (second["accepted"], second["p_worse"]) == (False, 0.5)
    calm = {**inputs, "drawn": inputs["before-drawn"]}
    reviewed(calm, tmp_path / "calm")
    assert reviewed({**inputs, "previous": [tmp_path / "calm/data"]}, tmp_path / "third")["accepted"]


def student(folder: Path, words: str) -> list[Path]:
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "weights").write_text(words)
    (folder / "groups.jsonl").write_text("")
    return [folder]


def test_a_gate_hands_on_all_that_was_trained_or_says_why_it_does_not(
    inputs: dict[str, list[Path]], tmp_path: Path
) -> None:
    given = {"train": student(tmp_path / "student", "w"), "review": [tmp_path / "good/data"]}
    reviewed(inputs, tmp_path / "good")
    context = Context(tmp_path / "open")
    assert gate.run({"criterion": "accepted", "name": "x-1"}, given, context) == {"accepted": True}
    assert (context.data / "model" / "weights").read_text() == "w" and (context.data / "groups.jsonl").is_file()
    assert (context.data / "model" / "weights").samefile(given["train"][0] / "model" / "weights")
    down = reviewed(inputs, tmp_path / "bad", error=0.6)
    assert down["reason"] == "on dev 1 answers became wrong and 0 right (one-sided p 0.5000, limit 0.6000)"
    closed = Context(tmp_path / "closed")
    with refused("student-rejected", down["reason"]) as caught:
        gate.run({"criterion": "accepted", "name": "x-1"}, {**given, "review": [tmp_path / "bad/data"]}, closed)
    assert str(caught.value) == f"x-1 was rejected by its review: {down['reason']}."
    assert not (closed.data / "model").exists()


@pytest.mark.parametrize(("there", "chosen"), [([0, 1, 2], 2), ([0, 1], 1), ([0], 0), ([0, 2], 2)])
def test_the_last_that_is_there_is_handed_on(there: list[int], chosen: int, tmp_path: Path) -> None:
    chain = ["baseline", "x-1", "x-2"]
    inputs = {f"train-{number}": student(tmp_path / str(number), chain[number]) for number in there}
    context = Context(tmp_path / "out")
    assert choose.run({"rule": "last", "chain": chain}, inputs, context) == {"chosen": chosen, "name": chain[chosen]}
    assert (context.data / "model" / "weights").read_text() == chain[chosen]


def test_of_a_chain_of_which_nothing_was_trained_there_is_no_last(tmp_path: Path) -> None:
    context = Context(tmp_path / "out")
    with refused("nothing-to-choose", "baseline, x-1"):
        choose.run({"rule": "last", "chain": ["baseline", "x-1"]}, {}, context)
