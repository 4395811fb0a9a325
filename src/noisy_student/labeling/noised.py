"""Makes labels with a known share of errors from true labels, as pseudo-labels of that accuracy would have.

An error is the model's own: the wrong answer that most of its samples reach, with the first sample that reaches it.
Only questions with both a right and a wrong sample take part, the same ones at every accuracy, and a question that is
wrong at one accuracy is wrong at every lower one: two accuracies differ in the errors alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from noisy_student import seeds
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import Truncated, canonical_of
from noisy_student.errors import NotTrainable
from noisy_student.labeling.texts import own_text
from noisy_student.records import Label, Sample


@dataclass(slots=True)
class _Tally:
    """A question's first right text, its wrong answers by count, and the first text of each."""

    right: str | None = None
    wrong: Counter[str] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)


def noised(
    labels: Iterable[Label],
    samples: Iterable[Sample],
    *,
    accuracy: float,
    run_seed: int,
    truncated: Truncated = "abstain",
) -> list[Label]:
    """Return labels of which the share ``accuracy`` is right, with own texts, sorted by question id.

    ``samples`` come in the order of k. Raises NotTrainable if no question has both a right and a wrong sample.
    """
    truth = {label.question_id: label for label in labels}
    tallies = {name: _Tally() for name in truth}
    for sample in samples:
        label = truth.get(sample.question_id)
        answer = canonical_of(sample, truncated=truncated)
        if label is None or answer is None:
            continue
        tally = tallies[label.question_id]
        if same(answer, label.answer):
            tally.right = own_text(sample.text) if tally.right is None else tally.right
        else:
            # One LaTeX answer has several forms.
            known = next((other for other in tally.wrong if same(other, answer)), answer)
            tally.wrong[known] += 1
            tally.texts.setdefault(known, own_text(sample.text))
    eligible = [name for name, tally in tallies.items() if tally.right is not None and tally.wrong]
    if not eligible:
        raise NotTrainable(
            "No question has both a right and a wrong sample.",
            why="Errors are taken from the model's own wrong samples.",
            do="Raise K or the temperature.",
            code="no-mixed-questions",
        )
    eligible.sort(key=lambda name: seeds.seed(run_seed, "label-noise", name))
    wrong = set(eligible[: round(len(eligible) * (1 - accuracy))])
    return [_made(truth[name], tallies[name], is_wrong=name in wrong) for name in sorted(eligible)]


def _made(label: Label, tally: _Tally, *, is_wrong: bool) -> Label:
    if not is_wrong:
        return replace(label, solution=tally.right)
    # most_common keeps the order of insertion among equal counts: the answer sampled first.
    answer = tally.wrong.most_common(1)[0][0]
    return replace(label, answer=answer, solution=tally.texts[answer])
