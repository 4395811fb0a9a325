"""Quality of pseudo-labels where the truth is known: of votes, of labels, of GRPO's groups, and from round to round.

Accuracy = right winners ÷ all questions (maj@K); precision = right ÷ labeled; coverage = labeled ÷ all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from noisy_student.answer_key import AnswerKey
from noisy_student.answers.equivalence import same
from noisy_student.evaluation.pass_at_k import VoteCurve
from noisy_student.records import Label, Vote

SPAN = 10
"""Steps whose groups are pooled in the accuracy over steps."""


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


def vote_quality(votes: Iterable[Vote], key: AnswerKey, *, ties_win: bool = False) -> VoteQuality:
    """Compare all votes with the key; ``ties_win`` says whether the votes gave ties a winner.

    Raises ValueError for no votes and for votes of different K."""
    asked: Counter[int] = Counter()
    right: Counter[int] = Counter()
    ks: set[int] = set()
    tied, single, stopped = 0, 0.0, False
    curve = VoteCurve(ties_win=ties_win)
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


def label_quality(labels: Iterable[Label], key: AnswerKey) -> dict[str, int]:
    """Count labels and right ones among them, each question once."""
    by_question = {label.question_id: label.answer for label in labels}
    right = sum(same(answer, key[name].answer) for name, answer in by_question.items())
    return {"labels": len(by_question), "right": right}


def group_quality(groups: Iterable[Mapping[str, Any]], key: AnswerKey) -> dict[str, Any]:
    """Count groups by origin and correctness of the label and by kind, with pseudo-labels' accuracy over the steps.

    A group whose answers all reach a wrong label gets full reward, so reinforcement cannot see that it is wrong. Each
    group has ``step``, ``question_id``, ``origin``, ``label`` or None, ``answers`` and ``right``. Groups whose
    question the key does not hold are counted as unknown. ``over_steps`` has one row for every ten steps with the share
    of right labels among pseudo-labels.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    spans: dict[int, list[bool]] = {}
    for group in groups:
        origin = "pseudo" if group["origin"] == "vote" else str(group["origin"])
        right = _group_right(group, key)
        label = "unknown" if right is None else "none" if group["label"] is None else "right" if right else "wrong"
        counts[origin, label, _group_kind(group)] += 1
        if origin == "pseudo" and right is not None:
            spans.setdefault(group["step"] // SPAN, []).append(right)
    return {
        "groups": [
            {"origin": origin, "label": label, "kind": kind, "groups": count}
            for (origin, label, kind), count in sorted(counts.items())
        ],
        "over_steps": [
            {"step": span * SPAN, "labels": len(found), "accuracy": sum(found) / len(found)}
            for span, found in sorted(spans.items())
        ],
    }


def _group_right(group: Mapping[str, Any], key: AnswerKey) -> bool | None:
    if group["origin"] == "gold":
        return True
    if group["question_id"] not in key:
        return None
    return group["label"] is not None and same(group["label"], key[group["question_id"]].answer)


def _group_kind(group: Mapping[str, Any]) -> str:
    return "all-wrong" if not group["right"] else "all-right" if group["right"] == group["answers"] else "mixed"


@dataclass(frozen=True, slots=True)
class Lineage:
    """Counts of questions; ``same`` to ``without`` make up all that were voted on in both rounds.

    ``mended`` and ``spoiled`` are flips to and from the right answer, None where a truth is not known. ``kept`` are
    selected in both rounds, ``added`` in the second only.
    """

    questions: int
    same: int
    flipped: int
    gained: int
    lost: int
    without: int
    mended: int | None
    spoiled: int | None
    kept: int
    added: int


def lineage(
    before: Iterable[Vote], now: Iterable[Vote], *, selected: tuple[Collection[str], Collection[str]], key: AnswerKey
) -> Lineage:
    """Compare two rounds' votes on the same questions, and the ids that each round selected."""
    was = {vote.question_id: vote.winner for vote in before}
    pairs = {vote.question_id: (was[vote.question_id], vote.winner) for vote in now if vote.question_id in was}
    kinds = Counter(_change(old, new) for old, new in pairs.values())
    flips = {name: pair for name, pair in pairs.items() if _change(*pair) == "flipped"}
    known = all(name in key for name in flips)
    first, second = set(selected[0]), set(selected[1])
    return Lineage(
        questions=len(pairs),
        **{kind: kinds[kind] for kind in ("same", "flipped", "gained", "lost", "without")},
        mended=_flips_right(flips, 1, key) if known else None,
        spoiled=_flips_right(flips, 0, key) if known else None,
        kept=len(first & second),
        added=len(second - first),
    )


def _change(old: str | None, new: str | None) -> str:
    if old is None or new is None:
        return "without" if old == new else "gained" if old is None else "lost"
    return "same" if same(old, new) else "flipped"


def _flips_right(flips: Mapping[str, tuple[str | None, str | None]], side: int, key: AnswerKey) -> int:
    """The number of flips with the right answer on one side: 0 before, 1 now."""
    return sum(same(answer, key[name].answer) for name, pair in flips.items() if (answer := pair[side]) is not None)
