"""``label``: give questions pseudo-labels by majority vote over samples of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from noisy_student.cli import options, stream
from noisy_student.cli.console import remark
from noisy_student.data.rows import finish_of, optional_number, optional_text, text_of
from noisy_student.errors import UserError, require_known
from noisy_student.labeling.select import Selection, select, selection
from noisy_student.labeling.texts import Choice, voted_labels, with_own_texts
from noisy_student.labeling.vote import ballots, votes
from noisy_student.records import Label, Sample

CHOICES = get_args(Choice)


def command(
    file: options.File = stream.STANDARD,
    samples: Annotated[
        Path, typer.Option("--samples", metavar="FILE", help="Samples of these questions, from `sample`.")
    ] = ...,  # type: ignore[assignment]
    min_agreement: Annotated[
        float | None, typer.Option("--min-agreement", metavar="SHARE", help="Smallest share of K votes for a label.")
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="RULE", help="first, shortest, highest-logprob or all-distinct.")
    ] = "first",
    seed: options.Seed = 1,
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions and add ``label``, ``solution``, ``agreement`` and ``confidence``; null without a winner."""
    require_known(text, CHOICES, f'There is no rule "{text}" for --text.', code="unknown-text-rule")
    rule = selection({"all": True} if min_agreement is None else {"min_agreement": min_agreement})
    labels = _labels(samples, rule, cast("Choice", text), seed)
    rows = list(stream.read(file))
    items = stream.items(rows, file)
    # A sample's question_id is the digest of the question's text, as ours are, or the file's own id.
    found = [
        labels.get(item.question.id) or labels.get(str(row.values.get("id")), [])
        for row, item in zip(rows, items, strict=True)
    ]
    if labels and not any(found):
        raise UserError(
            f"No sample belongs to these questions: the first sample is of {next(iter(labels))},"
            f" the first question is {items[0].question.id}.",
            do="Give the questions that were sampled, with the ids they had.",
            code="samples-of-other-questions",
        )
    written = [labeled for row, of_row in zip(rows, found, strict=True) for labeled in _labeled(stream.require_writable(row), of_row)]
    known = sum(row["label"] is not None for row in written)
    remark(f"{known} of {len(written)} rows have a label.")
    stream.write(written, out)


def _labels(path: Path, rule: Selection, choice: Choice, seed: int) -> dict[str, list[Label]]:
    """Return the selected labels by question id; empty if nothing is selected."""
    # A file is read twice to save memory; a pipe can be read only once.
    held = None if path.is_file() else list(_samples(path))
    cast_votes = votes(ballots(_samples(path) if held is None else held))
    labels = voted_labels(select(cast_votes, rule, run_seed=seed))
    found: dict[str, list[Label]] = {}
    for label in with_own_texts(labels, _samples(path) if held is None else held, choice=choice):
        found.setdefault(label.question_id, []).append(label)
    return found


def _samples(path: Path) -> Iterator[Sample]:
    """Yield the samples of a file; only ``question_id`` is required, so any engine's output works."""
    drawn: dict[str, int] = {}
    for read in stream.read(str(path)):
        row, place = read.values, read.place
        question_id, finish = text_of(row, "question_id", place), finish_of(row, place)
        k = drawn[question_id] = drawn.get(question_id, -1) + 1
        text = optional_text(row, "text", place) or ""
        yield Sample(question_id, k, text, (), finish, optional_number(row, "logprob", place) or 0.0, 0)


def _labeled(row: Mapping[str, Any], labels: list[Label]) -> Iterator[dict[str, Any]]:
    if not labels:
        yield {**row, "label": None, "solution": None, "agreement": None, "confidence": None}
    for label in labels:
        found = {"solution": label.solution, "agreement": label.agreement, "confidence": label.confidence}
        yield {**row, "label": label.answer, **found}
