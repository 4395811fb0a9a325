"""Notes: what a reader must know, and nothing where there is nothing."""

from __future__ import annotations

from noisy_student.study.results.results import notes
from noisy_student.study.settings.files import Request, resolve

SETTINGS = resolve(Request("v1-5"))


def drawn(part: str, samples: int, too_long: list[str], flooded: int, fallback: str | None = None) -> dict[str, object]:
    return {"part": part, "samples": samples, "too_long": too_long, "flooded": flooded, "fallback": fallback}


def test_a_model_that_is_never_right_is_warned_of_and_a_note_is_passed_on() -> None:
    settings = SETTINGS.model_copy(update={"note": "Mind the gap."})
    hopeless = {"name": "base", "correct": 1, "n": 100, "interval": [0.0, 0.05]}
    assert list(notes(settings, [], [])) == ["Mind the gap."]
    assert list(notes(SETTINGS, [hopeless], [])) == []
    (warning,) = notes(SETTINGS, [hopeless | {"correct": 0, "interval": [0.0, 0.037]}], [])
    assert warning.startswith("base answers 0 of 100 questions right")
    assert list(notes(SETTINGS, [hopeless | {"name": "baseline", "interval": [0.0, 0.03]}], [])) == []
    assert list(notes(SETTINGS, [hopeless | {"interval": None}], [])) == []


def test_a_slower_way_of_sampling_is_said_once() -> None:
    reason = "its architecture is gpt2"
    every = [drawn("test", 8, [], 0, reason), drawn("dev", 8, [], 0, reason), drawn("dev", 8, [], 0)]
    (note,) = notes(SETTINGS, [], every)
    assert "slower" in note and reason in note


def test_a_choice_of_text_that_needs_all_samples_is_said() -> None:
    changes = {"stopping": "lossless", "min_agreement": 0.75, "text": "shortest"}
    settings = resolve(
        Request(
            "v1-5",
            overrides={f"labels.votes.{name}": value for name, value in changes.items()}
            | {"conditions.control.select": {"min_agreement": 0.75}},
        )
    )
    assert list(notes(settings, [], [])) == [
        "labels.votes: text = shortest needs all K samples, so early stopping saved none."
    ]


def test_questions_that_did_not_fit_are_named_once_by_part() -> None:
    every = [drawn("test", 8, ["b", "a"], 0), drawn("test", 8, ["a"], 0), drawn("dev", 8, list("cdefgh"), 0)]
    assert list(notes(SETTINGS, [], every)) == [
        "2 test questions are longer than the model's context and count as not answered: a, b.",
        "6 dev questions are longer than the model's context and count as not answered: c, d, e, f, g and others.",
    ]


def test_floods_of_answers_are_noted_where_there_are_many() -> None:
    assert list(notes(SETTINGS, [], [drawn("test", 1000, [], 10)])) == []
    (note,) = notes(SETTINGS, [], [drawn("test", 600, [], 6), drawn("unlabeled", 400, [], 5)])
    assert note.startswith("11 of 1000 samples hold more than 16 answers")
