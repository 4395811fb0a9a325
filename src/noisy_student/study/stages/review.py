"""Two students' answers to dev → the decision whether the later one may teach, and the numbers behind it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.answers.equivalence import same
from noisy_student.answers.extract import read
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_labels
from noisy_student.evaluation.grade import grade
from noisy_student.evaluation.review import Round, entropy, review, share_of_answered
from noisy_student.labeling.stopping import votes_needed
from noisy_student.labeling.vote import ballots, votes
from noisy_student.records import Answer
from noisy_student.sampling.sample import read_folders

NUMBERS = ("accuracy", "agreement", "coverage", "precision", "readable", "length")


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``review.json``: both rounds in numbers, the test between them, the alarms and the decision.

    ``greedy`` and ``drawn`` are the student's answers to dev, ``before-greedy`` and ``before-drawn`` those of its
    predecessor; ``previous`` is the review before this one, since two alarms in a row reject a student.
    """
    labels = read_labels(inputs["split"][0] / "dev_gold.jsonl")
    key = AnswerKey({label.question_id: KeyEntry(label.question_id, label.answer) for label in labels})
    rounds = {role: _round(spec, inputs, role, key, context) for role in ("before-", "")}
    alarmed = [bool(files.read_json(folder / "review.json")["alarms"]) for folder in inputs.get("previous", ())]
    found = review(
        rounds["before-"], rounds[""], error=spec["error"], rounds=spec["rounds"], alarmed_before=any(alarmed)
    )
    summary = {
        **asdict(found),
        "questions": len(key),
        "before": _numbers(rounds["before-"]),
        "now": _numbers(rounds[""]),
    }
    files.write_json(context.data / "review.json", summary)
    return summary


def _round(spec: Spec, inputs: Inputs, role: str, key: AnswerKey, context: Context) -> Round:
    greedy = {
        row.question_id: row.correct
        for row in grade(read_folders(inputs[f"{role}greedy"], context.check), key, truncated=spec["truncated"])
    }
    drawn = list(read_folders(inputs[f"{role}drawn"], context.check))
    answers = (read(each.text, each.finish, truncated=spec["truncated"], kind=each.kind) for each in drawn)
    cast = list(votes(ballots(drawn, truncated=spec["truncated"]), k=spec["K"], ties=spec["ties"]))
    needed = votes_needed(spec["min_agreement"], spec["K"])
    selected = [vote for vote in cast if vote.winner is not None and vote.votes >= needed]
    right = sum(same(vote.winner, key[vote.question_id].answer) for vote in selected if vote.winner is not None)
    return Round(
        right=tuple(greedy[name] for name in sorted(key)),
        winners=tuple(vote.winner for vote in sorted(cast, key=lambda vote: vote.question_id)),
        agreement=sum(vote.votes for vote in cast) / (len(cast) * spec["K"]),
        coverage=len(selected) / len(cast),
        precision=right / len(selected) if selected else None,
        readable=sum(isinstance(answer, Answer) for answer in answers) / len(drawn),
        length=sum(len(sample.token_ids) for sample in drawn) / len(drawn),
    )


def _numbers(made: Round) -> dict[str, float | None]:
    return {
        **{name: getattr(made, name) for name in NUMBERS},
        "entropy": entropy(made.winners),
        "share_of_answered": share_of_answered(made.winners),
    }
