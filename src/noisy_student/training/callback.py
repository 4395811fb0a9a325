"""Callback around every training step: deadline, progress, curve, saved states."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import Interrupted, NotTrainable, Paused
from noisy_student.training.checkpoint import Progress
from noisy_student.training.measurements import Point

WORTH_SAVING = 60.0
"""Least seconds of work between saved states."""
SHARE_OF_SAVING = 0.05
"""Largest share of the training time spent on saving, if a save takes as long as the last one."""
AT_MOST_UNSAVED = 1800.0
"""Most seconds of work that a kill or a power cut may cost."""
OPTIONAL = [field.name for field in fields(Point) if field.default is None]
LOGGED_AS = {
    "accuracy": "mean_token_accuracy",
    "clipped_ratio": "completions/clipped_ratio",
    "mean_terminated_length": "completions/mean_terminated_length",
}
"""Names in the trainers' logs of fields of a point that have another name there."""


def save_interval(step_seconds: float, save_seconds: float) -> float:
    """Return the seconds of work after which a state is saved: whole steps, enough to make saving cheap.

    >>> save_interval(0.2, 0.5), save_interval(40.0, 12.0), save_interval(50.0, 600.0)
    (60.0, 240.0, 1800.0)
    """
    cheap = min(max(WORTH_SAVING, save_seconds / SHARE_OF_SAVING), AT_MOST_UNSAVED)
    return max(1, math.ceil(round(cheap / step_seconds, 6))) * step_seconds if step_seconds else cheap


class TrainingCallback(TrainerCallback):
    """Trainer callback that counts over pauses: ``step`` and ``seconds`` include those before a pause."""

    def __init__(
        self,
        context: Context,
        steps: int,
        save: Callable[[Progress], None],
        done: Progress | None = None,
        *,
        cycle: int = 1,
        check: Callable[[], bool | None] = lambda: None,
    ) -> None:
        """Continue from ``done``; ``save`` stores a state to resume from.

        States are saved at multiples of ``cycle`` steps only, where a run can pause and resume. ``check`` is called
        after every logged step, before a pause may follow it; the training ends where it returns true.
        """
        self.context = context
        self.steps = steps
        self.step = done.step if done else 0
        self.points = list(done.points) if done else []
        self._before = done.seconds if done else 0.0
        self._first = self.step
        self._save = save
        self._cycle = cycle
        self._check = check
        self._start = self._saved = time.monotonic()
        self._saved_step = self.step
        self._save_seconds = self._spent_saving = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without pauses."""
        return self._before + time.monotonic() - self._start

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Start the clock after the preparation."""
        self._start = self._saved = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Report progress, check the deadline, and save a state where one is due."""
        self.step = self._first + state.global_step
        self.context.progress(self.step, self.steps, "steps")
        # The Trainer counts from a pause; points and checks must stand at the steps of an uninterrupted run, and a
        # point at the last step, so that the curve ends where the training does.
        control.should_log = self.step == self.steps or self.step % int(args.logging_steps) == 0
        # The point of a logged step comes next and belongs to the saved state.
        if not control.should_log:
            self._between_steps()

    def on_substep_end(self, *_: Any, **__: Any) -> None:
        """Check the deadline between the parts of a step, which may take a minute."""
        self.ask()

    def on_log(
        self, args: Any, state: Any, control: TrainerControl, logs: dict[str, float] | None = None, **_: Any
    ) -> None:
        """Add a point to the curve; raises NotTrainable when the loss is not finite."""
        if logs is None or "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise NotTrainable(
                f"The loss became {logs['loss']} by step {self.step} of {self.steps}.",
                why="The weights are unusable from this step on.",
                do="Lower the learning rate.",
                code="training-diverged",
            )
        more = {name: logs.get(LOGGED_AS.get(name, name)) for name in OPTIONAL}
        self.points.append(Point(self.step, logs["loss"], self.seconds, **more))
        if self._check():
            control.should_training_stop = True
        else:
            self._between_steps()

    def ask(self, ahead: float = 0.0) -> None:
        """Save every whole step and raise Paused or Interrupted where the deadline is within ``ahead`` seconds."""
        if self.step % self._cycle:
            return
        try:
            self.context.check(ahead)
        except (Paused, Interrupted):
            # Save even a single step; otherwise a run with short deadlines never progresses.
            if self.step > self._saved_step:
                self._keep()
            raise

    def write_curve(self) -> None:
        """Write the curve beside the data, of which it is no part: its seconds differ from run to run."""
        files.write_jsonl(self.context.curves / "training.jsonl", map(asdict, self.points))

    def _between_steps(self) -> None:
        if self.step == self.steps or self.step % self._cycle:
            return
        step_seconds = (time.monotonic() - self._start - self._spent_saving) / (self.step - self._first)
        # A step that the deadline would cut is lost, so do not begin it.
        self.ask(ahead=step_seconds * self._cycle + self._save_seconds)
        if time.monotonic() - self._saved >= save_interval(step_seconds, self._save_seconds):
            self._keep()

    def _keep(self) -> None:
        began = time.monotonic()
        self._save(Progress(self.step, self.seconds, tuple(self.points)))
        self._saved = time.monotonic()
        self._save_seconds = self._saved - began
        self._spent_saving += self._save_seconds
        self._saved_step = self.step
