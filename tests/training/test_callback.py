"""When a state is saved and when a step is not begun any more: by the seconds that steps and saving took."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import TrainerControl

from noisy_student.context import Context
from noisy_student.errors import Paused
from noisy_student.training.callback import AT_MOST_UNSAVED, WORTH_SAVING, TrainingCallback, save_interval
from noisy_student.training.checkpoint import Progress

ARGUMENTS: Any = SimpleNamespace(logging_steps=10)


class Clock:
    """A clock that goes on when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "time", lambda: self.now)


def step(callback: TrainingCallback, number: int) -> None:
    """One step of the Trainer's has ended."""
    state: Any = SimpleNamespace(global_step=number)
    callback.on_step_end(ARGUMENTS, state, TrainerControl())


@given(st.floats(0.001, 5000), st.floats(0, 3000))
def test_a_state_is_saved_after_whole_steps_and_before_much_is_at_stake(step_seconds: float, save: float) -> None:
    interval = save_interval(step_seconds, save)
    assert round(interval / step_seconds) * step_seconds == pytest.approx(interval)
    assert interval + 1e-6 >= WORTH_SAVING
    assert interval < AT_MOST_UNSAVED + step_seconds
    if interval + step_seconds < AT_MOST_UNSAVED:
        assert save <= 0.05 * interval + 1e-6


@pytest.mark.parametrize(("saving", "saved"), [(1.0, [2, 4, 6, 8]), (6.0, [2, 5, 8])])
def test_saving_that_costs_more_is_done_less_often(
    saving: float, saved: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch)
    at: list[int] = []

    def save(progress: Progress) -> None:
        at.append(progress.step)
        clock.now += saving

    callback = TrainingCallback(Context(tmp_path), 9, save)
    callback.on_train_begin(ARGUMENTS, ARGUMENTS, TrainerControl())
    for number in range(1, 10):
        clock.now += 40.0
        step(callback, number)
    assert at == saved


def test_a_step_that_the_deadline_would_cut_is_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    at: list[int] = []
    callback = TrainingCallback(
        Context(tmp_path, deadline=1000.0 + 130.0), 9, lambda progress: at.append(progress.step)
    )
    callback.on_train_begin(ARGUMENTS, ARGUMENTS, TrainerControl())
    clock.now += 40.0
    step(callback, 1)
    clock.now += 40.0
    step(callback, 2)
    assert at == [2]
    clock.now += 25.0
    with pytest.raises(Paused):
        step(callback, 3)
    assert at == [2, 3], "what is done is saved, however little"


def test_many_short_deadlines_come_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    done: list[Progress] = []
    for _ in range(30):
        start = clock.now
        clock.now += 25.0  # loading
        callback = TrainingCallback(
            Context(tmp_path, deadline=start + 100.0), 9, done.append, done[-1] if done else None
        )
        callback.on_train_begin(ARGUMENTS, ARGUMENTS, TrainerControl())
        try:
            for number in range(1, 10 - callback.step):
                clock.now += 40.0
                step(callback, number)
            break
        except Paused:
            assert clock.now < start + 100.0
    assert callback.step == 9
    assert [progress.step for progress in done] == list(range(1, 9))
