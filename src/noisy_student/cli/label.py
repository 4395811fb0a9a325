"""``label``: give questions pseudo-labels by majority vote over samples of a model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from noisy_student.cli import options, stream
from noisy_student.cli.console import remark
from noisy_student.cli.single_stage import Columns, Recipe, samples_of
from noisy_student.data.columns import SourceRow
from noisy_student.data.rows import finish_of, optional_number, optional_text, text_of
from noisy_student.data.source import Item
from noisy_student.errors import UserError, require_known
from noisy_student.labeling.select import Selection, select, selection
from noisy_student.labeling.texts import Choice, voted_labels, with_own_texts
from noisy_student.labeling.vote import ballots, votes
from noisy_student.records import Label, Sample


def command(
    recipe: Recipe,
    columns: Columns,
    file: options.File = stream.STANDARD,
    samples: Annotated[
        Path | None, typer.Option("--samples", metavar="FILE", help="Samples of these questions, from `sample`.")
    ] = None,
    k: options.Samples = 8,
    min_agreement: Annotated[
        float | None, typer.Option("--min-agreement", metavar="SHARE", help="Smallest share of K votes for a label.")
    ] = None,
    text: Annotated[
        str, typer.Option("--text", metavar="RULE", help="first, shortest, highest-logprob or all-distinct.")
    ] = "first",
    out: options.Out = stream.STANDARD,
) -> None:
    """Read questions and add ``label``, ``solution``, ``agreement`` and ``confidence``; null without a winner.

    The votes are those in --samples, or of K samples that --model draws now.
    """
    require_known(text, get_args(Choice), f'There is no rule "{text}" for --text.', code="unknown-text-rule")
    _require_one_source(recipe, samples)
    rule = selection({"all": True} if min_agreement is None else {"min_agreement": min_agreement})
    rows = list(stream.read(file))
    items = stream.items(rows, file, fields=columns.fields)

    def label(placed: Callable[[], Iterable[SourceRow]]) -> None:
        labels = _labels(placed, rule, cast("Choice", text), recipe.seed)
        of_rows = _of_rows(labels, items)
        given = map(stream.require_writable, rows)
        written = [labeled for row, found in zip(given, of_rows, strict=True) for labeled in _labeled(row, found)]
        known = sum(row["label"] is not None for row in written)
        remark(f"{known} of {len(written)} rows have a label.")
        stream.write(written, out)

    if samples is None:
        with samples_of(recipe, items, k=k, out=out) as drawn:
            label(lambda: (SourceRow(row, "a drawn sample") for row in drawn))
    else:
        name = str(samples)
        # A file is read twice to save memory; a pipe can be read only once.
        held = None if samples.is_file() else list(stream.read(name))
        label(lambda: stream.read(name) if held is None else held)


def _require_one_source(recipe: Recipe, samples: Path | None) -> None:
    if (samples is None) != recipe.named:
        raise UserError(
            "Labels are voted from samples in a file, or from samples that a model draws now.",
            why="Neither is named." if samples is None else "Both are named.",
            do="Give --samples FILE, or --model MODEL.",
            code="samples-or-model",
        )
    if samples is None:
        recipe.read_by("label")
    elif recipe.sets:
        what = f"--set {recipe.sets[0]} changes nothing: with --samples no model is asked."
        raise UserError(what, do="Leave it out.", code="setting-not-read")


def _labels(
    placed: Callable[[], Iterable[SourceRow]], rule: Selection, choice: Choice, seed: int
) -> dict[str, list[Label]]:
    """Return the selected labels by question id; empty if nothing is selected."""
    labels = voted_labels(select(votes(ballots(_samples(placed()))), rule, run_seed=seed))
    found: dict[str, list[Label]] = {}
    for label in with_own_texts(labels, _samples(placed()), choice=choice):
        found.setdefault(label.question_id, []).append(label)
    return found


def _of_rows(labels: Mapping[str, list[Label]], items: Sequence[Item]) -> list[list[Label]]:
    """Return each row's labels; raises UserError if there are labels and none belongs to a row."""
    # A sample's question_id is the digest of the question's text, as ours are, or the file's own id.
    found = [labels.get(item.question.id) or labels.get(item.own_id or "", []) for item in items]
    if labels and not any(found):
        raise UserError(
            f"No sample belongs to these questions: the first sample is of {next(iter(labels))},"
            f" the first question is {items[0].question.id}.",
            do="Give the questions that were sampled, with the ids they had.",
            code="samples-of-other-questions",
        )
    return found


def _samples(placed: Iterable[SourceRow]) -> Iterator[Sample]:
    """Yield the samples in rows; only ``question_id`` is required, so any engine's output works."""
    drawn: dict[str, int] = {}
    for read in placed:
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
