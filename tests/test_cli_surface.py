"""The verbs and flags, frozen: a new one is a decision, not an accident."""

from __future__ import annotations

import pytest
import typer

from noisy_student.cli.main import VERBS, Verbs, app

STUDY_FLAGS = {"--scale", "--protocol", "--model", "--data", "--limit", "--seeds", "--set"}
MODEL_FLAGS = {"--model", "--seed", "--scale", "--protocol", "--set"}
COLUMN_FLAGS = {"--question", "--answer", "--id"}
SURFACE = {
    "run": {*STUDY_FLAGS, "study", "--executor", "--deadline", "--budget", "--store", "--runs", "--json", "--anyway"},
    "studies": {"--json"},
    "show": {*STUDY_FLAGS, "study", "--changed", "--json"},
    "plan": {*STUDY_FLAGS, "study", "--calibrate", "--outlook", "--store", "--runs", "--json"},
    "preflight": {
        *STUDY_FLAGS,
        *("study", "--executor", "--deadline", "--budget", "--store", "--runs", "--json", "--anyway"),
    },
    "init": {
        *("file", "--unlabeled", "--test", "--model", "--question", "--answer", "--solution", "--id", "--context"),
        *("--choices", "--answers", "--faulty", "--out", "--json"),
    },
    "report": {"run", "--runs", "--json"},
    "log": {"--spend", "--of", "--runs", "--store", "--json"},
    "du": {"--store", "--runs", "--json"},
    "gc": {"--delete", "--unfinished", "--runs-removed", "--store", "--runs", "--json"},
    "why": {*STUDY_FLAGS, "target", "--store", "--json"},
    "compare": {"a", "b", "--margin", "--claims", "--inner", "--runs", "--json"},
    "power": {"--n", "--p1", "--p2", "--psi", "--delta", "--json"},
    "split": {"--data", "--out", "--seed", "--scale", "--limit", "--set", "--json"},
    # What these write is JSONL whatever is asked.
    "sample": {"file", "--k", *MODEL_FLAGS, *COLUMN_FLAGS, "--out"},
    "extract": {"file", "--out"},
    "vote": {"file", "--k", "--ties", "--out"},
    "label": {"file", "--samples", "--k", "--min-agreement", "--text", *MODEL_FLAGS, *COLUMN_FLAGS, "--out"},
    "train": {"file", *MODEL_FLAGS, *COLUMN_FLAGS, "--out", "--json"},
    "evaluate": {"file", *MODEL_FLAGS, *COLUMN_FLAGS, "--skip-unanswered", "--out", "--json"},
    "doctor": {"--store", "--deep", "--json"},
}


def test_the_verbs_are_these() -> None:
    assert list(VERBS) == list(SURFACE)


@pytest.mark.parametrize("verb", SURFACE)
def test_the_flags_are_these(verb: str) -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, Verbs)
    command = group.get_command(None, verb)
    assert {name for parameter in command.params for name in parameter.opts} == SURFACE[verb]
    assert command.help
