"""The gate before a probe: open as long as none of those before it held."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable, Paused
from noisy_student.study.stages import gate


def spec(*names: str) -> dict[str, Any]:
    return {"criterion": "no-probe-held", "probes": list(names)}


def probes(folder: Path, *held: bool | None) -> dict[str, list[Path]]:
    """What probes left, by role; None is one that was skipped and has left nothing."""
    inputs = {}
    for number, each in enumerate(held):
        if each is not None:
            place = folder / f"probe-{number}"
            place.mkdir()
            files.write_json(place / "probe.json", {"held": each, "steps": 30 + 5 * number, "criteria": []})
            inputs[f"probe-{number}"] = [place]
    return inputs


@pytest.mark.parametrize("held", [(False,), (False, False), (None, False), (None, None)])
def test_the_next_probe_is_tried_where_none_held(held: tuple[bool | None, ...], tmp_path: Path) -> None:
    names = ["first", "second"][: len(held)]
    context = Context(tmp_path / "out")
    assert gate.run(spec(*names), probes(tmp_path, *held), context) == {"failed": names}
    assert files.read_json(context.data / "gate.json") == {"failed": names}


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ((True, False, False), "Probe first met its criteria at step 30; later probes are skipped."),
        ((False, True, False), "Probe second met its criteria at step 35; later probes are skipped."),
        ((False, None, True), "Probe third met its criteria at step 40; later probes are skipped."),
        ((True, None, None), "Probe first met its criteria at step 30; later probes are skipped."),
    ],
)
def test_it_is_not_tried_once_one_held_and_that_one_is_named(
    held: tuple[bool | None, ...], said: str, tmp_path: Path
) -> None:
    context = Context(tmp_path / "out")
    with pytest.raises(NotTrainable) as caught:
        gate.run(spec("first", "second", "third"), probes(tmp_path, *held), context)
    assert str(caught.value) == said
    assert not (context.data / "gate.json").exists()


def test_a_gate_keeps_the_deadline(tmp_path: Path) -> None:
    with pytest.raises(Paused):
        gate.run(
            spec("first"),
            probes(tmp_path, False),
            Context(tmp_path / "out", deadline=time.time() - 1),
        )
