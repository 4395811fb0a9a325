"""Health checks of one training: measure weights and losses, diagnose, report, and stop where settings say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from noisy_student import files
from noisy_student.context import Context
from noisy_student.errors import NotTrainable
from noisy_student.models.adapter import plain
from noisy_student.models.chat import EncodedExample
from noisy_student.training.health.rules import STOPPING, diagnose
from noisy_student.training.health.window import Window
from noisy_student.training.specs.health import FILE, HealthSpec

NEAR_ZERO = 0.01


def misleading(window: Window) -> Iterator[str]:
    """Explain each of the trainer's latest logged numbers that is easily misread, one sentence each."""
    if not window.setup.samples or not window.points or not window.facts:
        return
    point, fact = window.points[-1], window.facts[-1]
    if not fact["spread"]:
        yield f"At step {window.step} no group had different rewards: a loss of 0 then means that nothing was learned."
    elif abs(point.loss) < NEAR_ZERO:
        norm = "" if point.grad_norm is None else f"; the gradient's norm is {point.grad_norm:.2g}"
        yield f"loss {point.loss:.4f} is near 0 by construction: advantages of a group add up to 0{norm}."
    if point.reward_std:
        yield (
            f"reward_std {point.reward_std:.2f} is over the whole batch; within groups, where advantages come from, "
            f"it is {fact['spread']:.2f}."
        )
    if point.kl is None and window.kl_to_start:
        step, nats = window.kl_to_start[-1]
        yield f"kl is not logged at beta 0; measured at step {step} it is {nats:.2g} nats a token."
    if point.mean_terminated_length == 0:
        yield "mean_terminated_length 0 means that no answer ended, not that answers are empty."


class Checkup:
    """Health checks of a training, made before its first step and called after every step; ``rows`` are stored.

    A row has ``step``, the share of weights that ``moved``, their ``change``, the result of ``measure`` (one truth
    value a dev question, or the loss on own examples), ``diagnoses``, and ``misleading`` sentences. The row of step 0
    holds only the baseline of later ones.
    """

    def __init__(
        self, spec: HealthSpec, model: nn.Module, *, measure: Callable[[], dict[str, Any]] | None = None
    ) -> None:
        """``model`` must still be the start model; ``measure`` is called before the first step and at every check."""
        self.spec = spec
        self.rows: list[dict[str, Any]] = []
        self._model, self._measure = model, measure
        self._weights = StartWeights(model)

    def begin(self, steps: int) -> None:
        """Measure the start model, unless no check comes within ``steps`` or the run was resumed."""
        if self.spec.due(steps, last=0) and not self.rows and self._measure is not None:
            self.rows.append({"step": 0, **self._measure(), "diagnoses": [], "misleading": []})

    def check(self, window: Window, context: Context) -> None:
        """Check once where a check is due; raises NotTrainable for a diagnosis that stops the training.

        ``window`` is the training so far, to which earlier checks and this one are added. Diagnoses are written to
        ``context.curves`` and reported by ``context.notice``.
        """
        if not self.spec.due(window.step, last=self.rows[-1]["step"] if self.rows else 0):
            return
        measured: dict[str, Any] = {"step": window.step, **self._weights.moved(self._model)}
        if self._measure is not None:
            measured |= self._measure()
        window = replace(window, checks=[*self.rows, measured])
        measured["entropy_slope"] = window.entropy_slope
        found = diagnose(window)
        row = {"diagnoses": [asdict(diagnosis) for diagnosis in found], "misleading": list(misleading(window))}
        self.rows.append({**measured, **row})
        files.write_jsonl(context.curves / FILE, self.rows)
        for each in found:
            context.notice(f"step {window.step}: {each.name}: {each.evidence} {each.cause} Do: {each.remedy}")
        worst = next((each for each in found if each.name in STOPPING), None)
        if worst is not None and self.spec.on_unhealthy == "stop":
            raise NotTrainable(
                f"{worst.name} at step {window.step}. {worst.evidence}",
                why=worst.cause,
                do=worst.remedy,
                code="training-unhealthy",
            )


SAMPLED_WEIGHTS = 4096
"""Weights kept of each matrix, evenly spaced: a few megabytes for a large model."""


class StartWeights:
    """A sample of the trained weights at the start, to compare later ones with."""

    def __init__(self, model: nn.Module) -> None:
        """``model`` must still be the start model."""
        self._start = {name: values.clone() for name, values in _sampled(model)}

    def moved(self, model: nn.Module) -> dict[str, float]:
        """Return ``moved``, the share of changed weights, and ``change``, the norm of the change by the start's."""
        other = count = 0
        apart = before = 0.0
        for name, values in _sampled(model):
            start = self._start[name]
            other += int((values != start).sum())
            count += values.numel()
            apart += float((values - start).float().square().sum())
            before += float(start.float().square().sum())
        return {"moved": other / count, "change": (apart / before) ** 0.5 if before else 0.0}


def _sampled(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Every trained matrix but the embedding, whose rows change only where their token occurs."""
    embedding = next((module for module in model.modules() if isinstance(module, nn.Embedding)), None)
    kept = None if embedding is None else embedding.weight
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and parameter.dim() > 1 and parameter is not kept:
            flat = parameter.detach().flatten()
            yield name, flat[:: max(1, flat.numel() // SAMPLED_WEIGHTS)]


@torch.no_grad()
def own_loss(model: PreTrainedModel, rows: Sequence[EncodedExample]) -> float:
    """Return the loss of the targets of ``rows`` in nats a token, without dropout; the model is unchanged.

    Rows are read one at a time, since the logits of a batch would need more memory than a step of training.
    """
    inner: Any = plain(model)
    training, total, tokens = model.training, 0.0, 0
    model.eval()
    for row in rows:
        ids = torch.tensor([row.ids], device=inner.device)
        # A trainer's own forward computes its loss with it, and returns no logits.
        logits = type(inner).forward(inner, input_ids=ids, use_cache=False).logits[0, :-1]
        result = torch.tensor(row.completion_mask[1:], dtype=torch.bool, device=inner.device)
        total += float(cross_entropy(logits[result].float(), ids[0, 1:][result], reduction="sum"))
        tokens += int(result.sum())
    model.train(training)
    return total / tokens
