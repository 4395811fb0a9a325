"""Quality of votes where the truth is known: by level of agreement, over all, and of the selected ones.

Accuracy = right winners ÷ all questions (maj@K); precision = right ÷ labeled; coverage = labeled ÷ all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from noisy_student.answer_key import AnswerKey
from noisy_student.answers.equivalence import same
from noisy_student.evaluation.vote_curve import VoteCurve
from noisy_student.records import Label, Vote


@dataclass(frozen=True, slots=True)
class LevelQuality:
    """Questions whose leading answer has ``votes`` votes; ``right`` of them have the true winner."""

    votes: int
    questions: int
    right: int


@dataclass(frozen=True, slots=True)
class VoteQuality:
    """Votes against the key; ``single_right`` is the expected number of right single samples, per question 0 … 1.

    ``curve`` holds, for k = 1, 2, 4, … K, the expected share of right votes had only k been drawn, over all subsets.
    Votes that a rule stopped early have neither, and no levels: their samples are no fair draw.
    """

    k: int
    questions: int
    right: int
    tied: int
    single_right: float | None
    by_level: tuple[LevelQuality, ...]
    curve: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class LabelQuality:
    """Selected labels against the key."""

    labels: int
    right: int


def vote_quality(votes: Iterable[Vote], key: AnswerKey) -> VoteQuality:
    """Compare all votes with the key; raises ValueError for no votes and for votes of different K."""
    asked: Counter[int] = Counter()
    right: Counter[int] = Counter()
    ks: set[int] = set()
    tied, single, stopped = 0, 0.0, False
    curve = VoteCurve()
    for vote in votes:
        truth = key[vote.question_id].answer
        ks.add(vote.k)
        stopped = stopped or vote.stopped is not None
        curve.add(vote, truth)
        asked[vote.votes] += 1
        right[vote.votes] += vote.winner is not None and same(vote.winner, truth)
        tied += vote.tied
        single += sum(count for answer, count in vote.tally if same(answer, truth)) / vote.k
    if len(ks) != 1:
        raise ValueError(f"the votes have several K: {sorted(ks)}")
    levels = tuple(LevelQuality(level, asked[level], right[level]) for level in sorted(asked))
    if stopped:
        return VoteQuality(ks.pop(), asked.total(), right.total(), tied, None, (), ())
    return VoteQuality(ks.pop(), asked.total(), right.total(), tied, single, levels, curve.points())


def label_quality(labels: Iterable[Label], key: AnswerKey) -> LabelQuality:
    """Compare labels with the key, each question once."""
    by_question = {label.question_id: label.answer for label in labels}
    right = sum(same(answer, key[name].answer) for name, answer in by_question.items())
    return LabelQuality(len(by_question), right)
