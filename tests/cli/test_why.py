"""The fields that make two results differ."""

from __future__ import annotations

from noisy_student.cli.why import Difference, Facts, differences, most_similar


def _facts(stage: str, *, spec: dict[str, object], **inputs: list[str]) -> Facts:
    return {"stage": stage, "code": "c", "spec": spec, "inputs": inputs, "seed": 1}


KNOWN = {
    "s1": _facts("split", spec={"data": {"test": 10}}),
    "s2": _facts("split", spec={"data": {"test": 20}}),
    "t1": _facts("train", spec={"lr": 0.1}, split=["s1"]),
    "t2": _facts("train", spec={"lr": 0.1}, split=["s2"]),
    "t3": _facts("train", spec={"lr": 0.2, "more": True}, split=["s1"]),
    "g1": _facts("grade", spec={}, model=["t1"], split=["s1"]),
    "g2": _facts("grade", spec={}, model=["t2"], split=["s2"]),
}


def test_own_fields_are_named() -> None:
    found = differences(KNOWN["t1"], KNOWN["t3"], KNOWN)
    assert found == [Difference("spec.lr", 0.1, 0.2), Difference("spec.more", "(absent)", True)]


def test_inputs_are_followed_to_the_field_that_began_it_and_it_is_named_once() -> None:
    found = differences(KNOWN["g1"], KNOWN["g2"], KNOWN)
    assert found == [Difference("spec.data.test", 10, 20, ("model", "split"))]


def test_an_unknown_input_is_named_by_its_key() -> None:
    known = {key: item for key, item in KNOWN.items() if key != "s2"}
    assert differences(known["t1"], known["t2"], known) == [Difference("split", "s1", "s2", ("split",))]


def test_the_most_similar_of_the_stage() -> None:
    assert most_similar("t1", KNOWN) == "t2", "an input differs rather than a field of its own"
    assert most_similar("g1", KNOWN) == "g2"
    assert most_similar("s1", {"s1": KNOWN["s1"], "t1": KNOWN["t1"]}) is None
