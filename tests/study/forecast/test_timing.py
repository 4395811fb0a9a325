"""A timing works in the store: what it measured before an interruption is not measured again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from noisy_student.pipeline.node import Node
from noisy_student.pipeline.runner import Event
from noisy_student.study.forecast import timing
from noisy_student.study.forecast.timing import TimingSize, measure, timing_path
from noisy_student.study.settings.files import Request, resolve


@pytest.mark.slow
def test_an_interrupted_timing_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SMALL", (TimingSize(labeled=5, unlabeled=2, test=2, steps=1),))
    conditions = {"base": {"method": "none"}, "baseline": {"train": ["gold"]}}
    settings = resolve(Request("v1", overrides={"data.limit": 60, "sampling.max_new_tokens": 8}))
    kept = {name: settings.conditions[name] for name in settings.conditions if name in conditions}
    settings = settings.model_copy(update={"conditions": kept, "labels": {}, "primary": {}, "decide": ()})
    told: list[tuple[int, str]] = []
    finished: list[str] = []

    def begun(nodes: Sequence[Node], line: str) -> None:
        told.append((len(nodes), line))

    def stop_after_two(event: Event) -> None:
        if event.kind == "finished":
            finished.append(event.node.key)
        if len(finished) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(settings, tmp_path, on_nodes=begun, on_event=stop_after_two)
    path = timing_path(settings, tmp_path)
    assert not path.exists() and list(path.with_suffix("").glob("stages/*")), "kept in the store"
    again: list[str] = []
    made = measure(
        settings,
        tmp_path,
        on_nodes=begun,
        on_event=lambda event: again.append(event.node.key) if event.kind == "finished" else None,
    )
    assert made == path and path.is_file() and not path.with_suffix("").exists()
    assert not set(finished) & set(again)
    assert told[1][0] == told[0][0] - 2
    assert all("min" in line and "goes on" in line for _, line in told)
