"""Export of a run: every student as a model folder, every set of labels as a data set with its card.

``models/<condition>-<seed>/`` loads with plain ``from_pretrained`` and holds a model card; its files are links to those
in the store where the disk allows it, and read-only, so that nothing done to them later changes a result.
``labels/<name>-<seed>/`` holds the questions with their pseudo-labels as JSONL and parquet.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from noisy_student import files
from noisy_student.models.card import ADAPTER, Student, add_papers, base_of
from noisy_student.pipeline.node import Node, parents_first
from noisy_student.study.plan.nodes import ConditionNodes, LabelNodes, first_trained
from noisy_student.study.results.view import RunView

MODELS, LABELS = "models", "labels"
_WRITE = 0o222
UNWRITABLE = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
"""Errors of a folder that may only be read."""


def export(
    view: RunView, folder: Path, results: Mapping[str, Any], *, notice: Callable[[str], None] = lambda text: None
) -> None:
    """Put models and labels into the run's folder; existing ones stay, missing ones are made again.

    A folder that may only be read stays as it is, and ``notice`` receives a line that says so.
    """
    lock = FileLock(folder / ".export.lock")
    try:
        lock.acquire()
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        notice(f"{folder} may only be read ({error.strerror}), so nothing is exported there.")
        return
    try:
        for nodes in view.plan.conditions:
            target = folder / MODELS / f"{nodes.name}-{nodes.seed}"
            if nodes.train is not None and not target.exists() and view.outcome(nodes.train) == "done":
                _export_model(view, nodes, target, results["model"])
        for labels in view.plan.labels:
            target = folder / LABELS / f"{labels.name}-{labels.seed}"
            if not target.exists() and view.outcome(labels.labels) == "done":
                _export_labels(labels, view, target, results)
    finally:
        lock.release()


def _export_model(view: RunView, nodes: ConditionNodes, target: Path, model: str) -> None:
    """Export a whole model, or an adapter with the path of its base, which the store leaves out as no result.

    ``model`` names the run's base to readers of the card.
    """
    assert nodes.train is not None, "the untrained model is exported nowhere"
    data = view.data(nodes.train)
    adapter = not (data / "model").is_dir()
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    shutil.copytree(data / ("adapter" if adapter else "model"), making, copy_function=files.link_or_copy)
    trained = view.trained(nodes.train)
    assert trained is not None, "a student that is done was trained"
    paths, spec = _start(trained)
    if adapter:
        config = files.read_json(making / ADAPTER)
        (making / ADAPTER).unlink()
        # Reading GGUF imports torch, which most exports do not need.
        from noisy_student.models import gguf
        from noisy_student.models.folder import is_gguf

        base = Path(paths["model"])
        named = {
            "base_model_name_or_path": str(gguf.folder_of(base) if is_gguf(base) else base),
            "revision": spec.get("revision"),
        }
        files.write_json(making / ADAPTER, {**config, **named})
    origin = base_of(spec, paths["model"], name=model)
    taught, summary = {**trained.spec, "seed": nodes.seed}, view.summary(trained) or {}
    add_papers(making, origin, Student(target.name, f"{nodes.name}, seed {nodes.seed}", taught, summary))
    for path in making.rglob("*"):
        if path.is_file():
            path.chmod(path.stat().st_mode & ~_WRITE)
    making.rename(target)


def _start(trained: Node) -> tuple[Mapping[str, str], Mapping[str, Any]]:
    """Paths and model spec of the base, which only the first training of a chain of students has."""
    while "model" not in trained.paths:
        trained = first_trained(trained.inputs["start"][0])
    return trained.paths, trained.spec["model"]


def _export_labels(labels: LabelNodes, view: RunView, target: Path, results: Mapping[str, Any]) -> None:
    rows = list(_rows(labels, view))
    making = target.with_name(f".{target.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    files.write_jsonl(making / "labels.jsonl", rows)
    if rows:
        # Arrow is slow to import, and most runs are only read again.
        from noisy_student.data.parquet import write_parquet

        write_parquet(making / "labels.parquet", rows)
    judged: Mapping[str, Any] = next(
        (row for row in results["labels"] if (row["name"], row["seed"]) == (labels.name, labels.seed)), {}
    )
    files.write_bytes(making / "README.md", card(labels, rows, judged, results).encode())
    making.rename(target)


def _rows(labels: LabelNodes, view: RunView) -> Iterator[dict[str, Any]]:
    """Yield the labels in the order of the user's file, under its own ids where it has some."""
    split = next(node for node in parents_first([labels.labels]) if node.stage == "split")
    texts = {question.id: question.text for question in view.questions(split)}
    places = view.file_rows(split)
    for label in sorted(view.labels(labels.labels), key=lambda label: places[label.question_id].row or 0):
        yield {
            "id": places[label.question_id].own_id or label.question_id,
            "question_id": label.question_id,
            "question": texts[label.question_id],
            "answer": label.answer,
            "solution": label.solution,
            "agreement": None if label.agreement is None else float(label.agreement),
            "confidence": label.confidence,
        }


def card(labels: LabelNodes, rows: list[dict[str, Any]], judged: Mapping[str, Any], results: Mapping[str, Any]) -> str:
    """Return the data set's card: origin of the labels, their precision where it is known, and how to load them."""
    known = judged.get("precision")
    if known is not None:
        quality = f"Held against the known answers, {known:.1%} of the labels are right."
    elif judged.get("on_dev"):
        dev = judged["on_dev"]
        low, high = dev["interval"]
        quality = (
            f"The answers are not known. On {dev['questions']} answered questions the same teacher's votes were right"
            f" in {dev['accuracy']:.0%} (95 % interval {low:.0%} to {high:.0%})."
        )
    else:
        quality = "How many are right is not known."
    data = _source(labels, results)
    return f"""---
configs:
- config_name: default
  data_files: labels.parquet
tags: [pseudo-labels, noisy-student]
---
# Pseudo-labels "{labels.name}", seed {labels.seed}

{len(rows)} questions with an answer voted by {judged.get("k")} samples of the teacher "{labels.teacher}" (student of
`{results["model"]}`) at temperature {judged.get("temperature")}. No human wrote or checked these answers. {quality}

Questions: {data}; their licence is that of their source. Columns: `id` (the source's own,
or the digest), `question_id` (a digest of the text), `question`, `answer`, `solution` (the teacher's own text),
`agreement` (votes / samples), `confidence` (calibrated, or null).

```python
datasets.load_dataset("parquet", data_files="labels.parquet")
```

Made by `{results["command"]}`.
"""


def _source(labels: LabelNodes, results: Mapping[str, Any]) -> str:
    settings = results.get("settings") or {}
    part = settings.get("labels", {}).get(labels.name, {}).get("part", "unlabeled")
    data = settings["data"]["foreign"] if part == "foreign" else results["data"]
    kind: str = data.get("source") or data["kind"]
    return data.get("dataset") or kind
