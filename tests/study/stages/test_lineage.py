"""How labels changed from one round to the next, as a stage on files."""

from __future__ import annotations

from pathlib import Path

from noisy_student import files
from noisy_student.answer_key import AnswerKey, KeyEntry
from noisy_student.context import Context
from noisy_student.data.key_file import write_key
from noisy_student.data.rows import write_labels
from noisy_student.labeling.vote import votes, write_votes
from noisy_student.records import Label
from noisy_student.study.stages import lineage


def test_votes_and_labels_of_two_rounds_are_held_against_each_other(tmp_path: Path) -> None:
    rounds = {"before-": {"a": "1", "b": "2", "c": "3"}, "": {"a": "1", "b": "5", "c": "9"}}
    selected = {"before-": "ab", "": "bc"}
    inputs = {"key": [tmp_path]}
    for role, found in rounds.items():
        folder = tmp_path / f"{role}round"
        folder.mkdir()
        write_votes(folder / "votes.jsonl", votes(list(found.items())))
        write_labels(folder / "labels.jsonl", [Label(name, found[name], None, "vote") for name in selected[role]])
        inputs |= {f"{role}votes": [folder], f"{role}labels": [folder]}
    write_key(tmp_path / "key.jsonl", AnswerKey({name: KeyEntry(name, "5") for name in "abc"}))
    context = Context(tmp_path / "out")
    found = lineage.run({}, inputs, context)
    assert found == files.read_json(context.data / "lineage.json") == {
        "questions": 3, "same": 1, "flipped": 2, "gained": 0, "lost": 0, "without": 0,
        "mended": 1, "spoiled": 0, "kept": 1, "added": 1,
    }  # fmt: skip
