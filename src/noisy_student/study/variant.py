"""Settings as one of a study's models has them: its id, whether it thinks, its cap, its rates."""

from __future__ import annotations

from typing import Any

from noisy_student.study.conditions import ModelSettings
from noisy_student.study.settings import Settings


def variant(settings: Settings, name: str | None) -> Settings:
    """``settings`` with the model ``name`` of ``settings.models`` in place of the run's own; None changes nothing."""
    if name is None:
        return settings
    own = settings.models[name]
    changed: dict[str, Any] = {"model": settings.model.model_copy(update={"id": own.id, "revision": own.revision})}
    if own.thinking is not None:
        changed["prompt"] = settings.prompt.model_copy(update={"thinking": own.thinking})
    if own.max_new_tokens is not None:
        cap = {"max_new_tokens": own.max_new_tokens}
        evaluation = settings.evaluation
        changed |= {
            "sampling": settings.sampling.model_copy(update=cap),
            "grpo": settings.grpo.model_copy(update=cap),
            # A target as long as the cap must fit beside its prompt, as it does with the run's own cap.
            "sft": settings.sft.model_copy(update={"max_length": settings.sft.max_length + _more(settings, own)}),
            "evaluation": evaluation.model_copy(
                update={
                    name: getattr(evaluation, name).model_copy(update=cap) for name in ("decoding", "sampled", "passes")
                }
            ),
        }
    if own.learning_rate is not None:
        sft = changed.get("sft", settings.sft)
        changed["sft"] = sft.model_copy(update={"learning_rate": own.learning_rate})
    return settings.model_copy(update=changed)


def _more(settings: Settings, own: ModelSettings) -> int:
    """By how many tokens a model's cap is above the run's; 0 where it is below."""
    return max(0, (own.max_new_tokens or 0) - settings.sampling.max_new_tokens)
