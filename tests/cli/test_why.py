"""Which field makes two results differ."""

from __future__ import annotations

from noisy_student.cli.why import Difference, Known, differences, most_similar


def _known(name: str, stage: str, *, spec: dict[str, object], **inputs: list[str]) -> Known:
    return Known(name, {"stage": stage, "code": "c", "spec": spec, "inputs": inputs, "seed": 1})


KNOWN = {
    "s1": _known("split-1", "split", spec={"data": {"test": 10}}),
    "s2": _known("split-2", "split", spec={"data": {"test": 20}}),
    "t1": _known("train-1", "train", spec={"lr": 0.1}, split=["s1"]),
    "t2": _known("train-2", "train", spec={"lr": 0.1}, split=["s2"]),
    "t3": _known("train-3", "train", spec={"lr": 0.2, "more": True}, split=["s1"]),
    "g1": _known("grade-1", "grade", spec={}, model=["t1"], split=["s1"]),
    "g2": _known("grade-2", "grade", spec={}, model=["t2"], split=["s2"]),
}


def test_own_fields_are_named() -> None:
    found = differences(KNOWN["t1"].facts, KNOWN["t3"].facts, KNOWN)
    assert found == [Difference("spec.lr", 0.1, 0.2), Difference("spec.more", "(absent)", True)]


def test_inputs_are_followed_to_the_field_that_began_it_and_it_is_named_once() -> None:
    found = differences(KNOWN["g1"].facts, KNOWN["g2"].facts, KNOWN)
    assert found == [Difference("spec.data.test", 10, 20, ("model", "split"))]


def test_an_unknown_input_is_named_by_its_key() -> None:
    known = {key: item for key, item in KNOWN.items() if key != "s2"}
    assert differences(known["t1"].facts, known["t2"].facts, known) == [Difference("split", "s1", "s2", ("split",))]


def test_the_most_similar_of_the_stage() -> None:
    assert most_similar("t1", KNOWN) == "t2", "an input differs rather than a field of its own"
    assert most_similar("g1", KNOWN) == "g2"
    assert most_similar("s1", {"s1": KNOWN["s1"], "t1": KNOWN["t1"]}) is None
