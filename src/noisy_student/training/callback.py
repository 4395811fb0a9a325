"""What happens around a training step: the question whether to stop, progress, the curve, saving before a pause."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from noisy_student.context import Context
from noisy_student.errors import Interrupted, NotTrainable, Paused
from noisy_student.training.checkpoint import Progress
from noisy_student.training.curves import Point

WORTH_SAVING = 60.0
"""Seconds of work that a kill may cost; saving more often is not worth its time."""
SHARE_OF_SAVING = 0.05
"""Of the time of training; what saving costs at most, so far as it takes as long as the last time."""
AT_MOST_UNSAVED = 1800.0
"""Seconds that a kill or a power cut may cost, whatever saving costs."""


def save_interval(step_seconds: float, save_seconds: float) -> float:
    """Seconds of work after which a state is saved: whole steps, as many as make saving cheap.

    >>> save_interval(0.2, 0.5), save_interval(40.0, 12.0), save_interval(50.0, 600.0)
    (60.0, 240.0, 1800.0)
    """
    cheap = min(max(WORTH_SAVING, save_seconds / SHARE_OF_SAVING), AT_MOST_UNSAVED)
    return max(1, math.ceil(round(cheap / step_seconds, 6))) * step_seconds if step_seconds else cheap


class Watch(TrainerCallback):
    """A callback of the Trainer that counts steps over pauses; ``step`` and ``seconds`` include those before one."""

    def __init__(
        self,
        context: Context,
        steps: int,
        save: Callable[[Progress], None],
        done: Progress | None = None,
        *,
        cycle: int = 1,
        look: Callable[[], bool | None] = lambda: None,
    ) -> None:
        """``done`` is where a resumed run stands; ``save`` keeps a state for the next time.

        A run can be resumed at multiples of ``cycle`` steps only, so only there it is saved and may pause. ``look`` is
        called after every step that was logged, before it counts as done for a pause; where it says yes, the run ends.
        """
        self.context = context
        self.steps = steps
        self.step = done.step if done else 0
        self.points = list(done.points) if done else []
        self._before = done.seconds if done else 0.0
        self._first = self.step
        self._save = save
        self._cycle = cycle
        self._look = look
        self._start = self._saved = time.monotonic()
        self._saved_step = self.step
        self._save_seconds = self._spent_saving = 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, pauses not counted."""
        return self._before + time.monotonic() - self._start

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Start the clock: what came before was preparation."""
        self._start = self._saved = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Report progress and ask whether to go on; save before going away, and now and then."""
        self.step = self._first + state.global_step
        self.context.progress(self.step, self.steps, "steps")
        # The Trainer counts from a pause; points and looks are to stand where an uninterrupted run has them.
        control.should_log = self.step % int(args.logging_steps) == 0
        if self.step == self.steps:
            # The Trainer logs every tenth step; without this the curve would end before the training does.
            control.should_log = True
            return
        # Where this step is logged, its point comes next, and belongs to what is saved.
        if not control.should_log:
            self._between_steps()

    def _between_steps(self) -> None:
        """Ask whether to go on, and save where much is at stake."""
        if self.step == self.steps or self.step % self._cycle:
            return
        step_seconds = (time.monotonic() - self._start - self._spent_saving) / (self.step - self._first)
        # Steps that the deadline would cut are lost: better not to begin them.
        self.ask(ahead=step_seconds * self._cycle + self._save_seconds)
        if self._unsaved() >= save_interval(step_seconds, self._save_seconds):
            self._keep()

    def on_substep_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Ask whether to go on between the parts of a step, which may take a minute; what is saved is the last step."""
        self.ask()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: Any,
    ) -> None:
        """Add a point to the curve; NotTrainable when the loss is no number any more."""
        if logs is None or "loss" not in logs:
            return
        if not math.isfinite(logs["loss"]):
            raise NotTrainable(
                f"The loss became {logs['loss']} by step {self.step} of {self.steps}.",
                why="The weights are of no use from there on.",
                do="Lower the learning rate.",
            )
        self.points.append(
            Point(
                step=self.step,
                loss=logs["loss"],
                seconds=self.seconds,
                grad_norm=logs.get("grad_norm"),
                learning_rate=logs.get("learning_rate"),
                accuracy=logs.get("mean_token_accuracy"),
                entropy=logs.get("entropy"),
                kl=logs.get("kl"),
                reward=logs.get("reward"),
                reward_std=logs.get("reward_std"),
                frac_reward_zero_std=logs.get("frac_reward_zero_std"),
                clipped_ratio=logs.get("completions/clipped_ratio"),
                mean_terminated_length=logs.get("completions/mean_terminated_length"),
            )
        )
        if self._look():
            control.should_training_stop = True
        else:
            self._between_steps()

    def ask(self, ahead: float = 0.0) -> None:
        """Raise Paused or Interrupted where it is time, once every whole step is saved."""
        if self.step % self._cycle:
            return
        try:
            self.context.check(ahead)
        except (Paused, Interrupted):
            # However little it is: a deadline that always comes so soon would otherwise never be outrun.
            if self.step > self._saved_step:
                self._keep()
            raise

    def _unsaved(self) -> float:
        return time.monotonic() - self._saved

    def _keep(self) -> None:
        began = time.monotonic()
        self._save(Progress(self.step, self.seconds, tuple(self.points)))
        self._saved = time.monotonic()
        self._save_seconds = self._saved - began
        self._spent_saving += self._save_seconds
        self._saved_step = self.step
