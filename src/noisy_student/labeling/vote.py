"""Counts votes: the answers to one question become its Vote; also as a stream over many questions in any order.

A tie has no winner. An abstention stays in K: it lowers the agreement and can never win. A placeholder (``None``,
``nan``, ``[invalid]``, blank) abstains.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.answers.extract import Truncated, canonical_of
from noisy_student.errors import UserError
from noisy_student.labeling.stopping import Rule, Ties, counts_of, tally_of
from noisy_student.records import Answer, NoAnswer, Sample, Vote


def ballots(samples: Iterable[Sample], *, truncated: Truncated = "abstain") -> Iterator[tuple[str, str | None]]:
    """Yield question id and canonical answer of each sample, None for no answer; the input of ``votes``."""
    for sample in samples:
        yield sample.question_id, canonical_of(sample, truncated=truncated)


def tally(question_id: str, answers: Sequence[Answer | NoAnswer], *, k: int | None = None, ties: Ties = "none") -> Vote:
    """Count the answers to one question; ``first-seen`` expects them in the order of their k.

    ``k`` is the number of samples requested; missing answers abstain. Raises ValueError for more answers than ``k``.

    >>> from noisy_student.records import Answer, NoAnswer
    >>> eight = Answer("8", "8", "hashes", True)
    >>> tally("q", [eight, eight, NoAnswer("absent")], k=4).agreement
    Fraction(1, 2)
    """
    canonical = [answer.canonical if isinstance(answer, Answer) else None for answer in answers]
    return _count(question_id, canonical, k=k, ties=ties)


def votes(rows: Iterable[tuple[str, str | None]], *, k: int | None = None, ties: Ties = "none") -> Iterator[Vote]:
    """Vote over ``(question_id, canonical answer or None)`` in any order; sorted by question id.

    Without ``k``, each question's K is its number of rows. ``first-seen`` depends on the order of a question's rows.
    Memory: one short string a question, so a million questions fit in a few hundred megabytes.
    Raises UserError for an answer of several lines, and for more than ``k`` rows of one question.
    """
    for question_id, answers in _by_question(rows, k=k):
        yield _count(question_id, answers, k=k, ties=ties)


def stopped_votes(rows: Iterable[tuple[str, str | None]], *, k: int, rule: Rule, ties: Ties = "none") -> Iterator[Vote]:
    """Vote over rows as ``votes`` does, for questions whose sampling ``rule`` stopped at up to ``k`` samples.

    A question that was given up has no winner, since its full vote is unknown. Raises ValueError for a question at
    which the rule would have gone on.
    """
    for question_id, answers in _by_question(rows, k=k):
        decision = rule(tally_of(answers), len(answers), k)
        if decision == "go":
            raise ValueError(f"question {question_id} has {len(answers)} of {k} samples, and its rule asks for more")
        vote = _count(question_id, answers, k=len(answers), ties=ties)
        winner = vote.winner if decision == "accept" else None
        # A tie among the first few samples need not be a tie among all.
        tied = vote.tied and len(answers) == k
        yield replace(vote, winner=winner, tied=tied, k=k, drawn=len(answers), stopped=decision)


def _by_question(rows: Iterable[tuple[str, str | None]], *, k: int | None) -> Iterator[tuple[str, list[str | None]]]:
    """Yield each question's answers in row order, sorted by question id."""
    ballots: dict[str, str] = {}
    for question_id, answer in rows:
        if answer is None:
            answer = ""
        elif "\n" in answer:
            raise UserError(
                f"The answer {answer!r} of question {question_id} is not one line of text.",
                why="Votes count equal strings.",
                do="Write the canonical answer, or null for no answer.",
                code="answer-not-one-line",
            )
        before = ballots.get(question_id)
        ballots[question_id] = answer if before is None else f"{before}\n{answer}"
    for question_id in sorted(ballots):
        answers = [answer or None for answer in ballots[question_id].split("\n")]
        if k is not None and len(answers) > k:
            raise UserError(
                f"Question {question_id} has {len(answers)} answers where k is {k}.",
                why="A repeated sample would vote twice.",
                do=f"Remove the repeated rows, or set k to {len(answers)}.",
                code="more-answers-than-k",
            )
        yield question_id, answers


def winner_of(answers: Sequence[str | None], *, ties: Ties = "none") -> str | None:
    """Return the winner among the canonical answers to one question; None for a tie or no answer.

    >>> winner_of(["4", None, "4", "5"]), winner_of(["4", "5"])
    ('4', None)
    """
    return _count("", answers, k=None, ties=ties).winner if answers else None


def leading_votes(ballot: Iterable[Vote], *, k: int) -> list[int]:
    """Return a histogram: at index n, the number of questions whose leading answer has n of ``k`` votes.

    Raises ValueError for a vote over another K, since its counts are no comparable threshold.
    """
    questions = [0] * (k + 1)
    for vote in ballot:
        if vote.k != k:
            raise ValueError(f"question {vote.question_id} was voted over {vote.k} samples, not {k}")
        questions[vote.votes] += 1
    return questions


def _count(question_id: str, answers: Sequence[str | None], *, k: int | None, ties: Ties) -> Vote:
    k = len(answers) if k is None else k
    if k < max(1, len(answers)):
        raise ValueError(f"question {question_id} has {len(answers)} answers for k = {k}")
    counts = counts_of(answers)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0])) if len(counts) > 1 else list(counts.items())
    most = ranked[0][1] if ranked else 0
    tied = len(ranked) > 1 and ranked[1][1] == most
    winner = ranked[0][0] if ranked and not tied else None
    if tied and ties == "first-seen":
        winner = next(answer for answer, count in counts.items() if count == most)
    return Vote(
        question_id=question_id,
        winner=winner,
        votes=most,
        k=k,
        abstained=k - sum(counts.values()),
        tied=tied,
        tally=tuple(ranked),
    )


def write_votes(path: Path, votes: Iterable[Vote]) -> int:
    """Write one vote a line; return their number."""
    return files.write_jsonl(path, map(vote_row, votes))


def read_votes(path: Path, *, tallies: bool = True) -> Iterator[Vote]:
    """Stream the votes of a file written by ``write_votes``; ``tallies=False`` saves most of a vote's memory."""
    for row in files.read_jsonl(path):
        row.pop("agreement")
        tally = tuple((answer, count) for answer, count in row["tally"]) if tallies else ()
        yield Vote(**{**row, "tally": tally})


def vote_row(vote: Vote) -> dict[str, Any]:
    """Return the JSON row of one vote; a vote whose sampling stopped early also holds ``drawn`` and ``stopped``."""
    stopped = {} if vote.drawn is None else {"drawn": vote.drawn, "stopped": vote.stopped}
    return {
        "question_id": vote.question_id,
        "winner": vote.winner,
        "votes": vote.votes,
        "k": vote.k,
        "abstained": vote.abstained,
        "tied": vote.tied,
        "agreement": None if vote.agreement is None else float(vote.agreement),
        "tally": [list(pair) for pair in vote.tally],
        **stopped,
    }
