"""Gives labels a worked text: chooses which of the model's own samples a student imitates.

The text is cut after the answer and before an invented next turn, so it does not depend on whether sampling stopped at
the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Literal

from noisy_student import seeds
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import Truncated, canonical_of
from noisy_student.answers.marks import answer_end, own_turn
from noisy_student.records import Label, Sample, Vote

Choice = Literal["first", "shortest", "highest-logprob", "all-distinct"]
"""First by k; fewest characters after the cut; highest sum of log-probabilities; every different text."""


_Ranked = tuple[float, int, str]
"""Sort key of the choice (smallest first), the sample's k, its text."""


def voted_labels(votes: Iterable[Vote]) -> list[Label]:
    """Make labels, without a worked text yet, from the votes that have a winner."""
    return [
        Label(
            vote.question_id,
            vote.winner,
            None,
            "vote",
            agreement=None if vote.agreement is None else float(vote.agreement),
        )
        for vote in votes
        if vote.winner is not None
    ]


def with_own_texts(
    labels: Iterable[Label], samples: Iterable[Sample], *, choice: Choice = "first", truncated: Truncated = "abstain"
) -> list[Label]:
    """Give each label one of the question's samples that reach its answer; ties go to the smallest k.

    ``all-distinct`` makes one label for each text, in the order of k. A label that no sample reaches keeps solution
    None. Raises ValueError if a question has several labels.
    """
    labels = list(labels)
    places = {label.question_id: place for place, label in enumerate(labels)}
    if len(places) != len(labels):
        raise ValueError("a question has more than one label")
    # Keeps only candidates: the samples of a question need not be adjacent.
    found: list[tuple[_Ranked, ...]] = [()] * len(labels)
    for sample in samples:
        place = places.get(sample.question_id)
        if place is None:
            continue
        answer = canonical_of(sample, truncated=truncated)
        if answer is not None and same(answer, labels[place].answer):
            found[place] = _best(found[place], _ranked(sample, choice), choice)
    return [row for label, chosen in zip(labels, found, strict=True) for row in _with_texts(label, chosen)]


def random_sample(
    samples: Callable[[], Iterable[Sample]], *, run_seed: int, truncated: Truncated = "abstain"
) -> list[Label]:
    """Draw one sample a question, uniformly and without a vote; its answer is the label; sorted by question id.

    Calls ``samples`` twice, first to count, so that no other text is held. A question whose drawn sample has no answer
    is left out: drawing again would select, as a vote does.
    """
    drawn_ks: dict[str, bytes] = {}
    for sample in samples():
        drawn_ks[sample.question_id] = drawn_ks.get(sample.question_id, b"") + sample.k.to_bytes(2, "big")
    for question_id, packed in drawn_ks.items():
        ks = sorted(packed[at : at + 2] for at in range(0, len(packed), 2))
        drawn_ks[question_id] = ks[seeds.generator(run_seed, "random-sample", question_id).randrange(len(ks))]
    labels = []
    for sample in samples():
        if sample.k.to_bytes(2, "big") == drawn_ks[sample.question_id]:
            answer = canonical_of(sample, truncated=truncated)
            if answer is not None:
                labels.append(Label(sample.question_id, answer, own_text(sample.text), "vote"))
    return sorted(labels, key=lambda label: label.question_id)


def own_text(text: str) -> str:
    """Cut a text after its ``####`` answer, else after its own turn; trailing space goes.

    >>> own_text("3 + 4 = 7\\n#### 7\\n\\nHuman: next")
    '3 + 4 = 7\\n#### 7'
    """
    end = answer_end(text, final=True)
    return (own_turn(text) if end is None else text[:end]).rstrip()


def _ranked(sample: Sample, choice: Choice) -> _Ranked:
    text = own_text(sample.text)
    rank = {"shortest": float(len(text)), "highest-logprob": -sample.logprob}.get(choice, 0.0)
    return rank, sample.k, text


def _best(before: tuple[_Ranked, ...], one: _Ranked, choice: Choice) -> tuple[_Ranked, ...]:
    """Return the better candidate; for ``all-distinct`` every text once, with its smallest k, in the order of k."""
    if choice != "all-distinct":
        return (min(*before, one),) if before else (one,)
    firsts: dict[str, _Ranked] = {}
    for ranked in sorted((*before, one)):
        firsts.setdefault(ranked[2], ranked)
    return tuple(firsts.values())


def _with_texts(label: Label, chosen: tuple[_Ranked, ...]) -> Iterator[Label]:
    if not chosen:
        yield label
    for _, _, text in chosen:
        yield replace(label, solution=text)
