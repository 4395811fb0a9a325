"""Settings of a low-rank adapter that is trained in place of all weights. No torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from noisy_student.strict import Strict


class LoraSpec(Strict):
    """LoRA (Hu et al. 2021): the product of two thin matrices is added to each target."""

    rank: int = Field(ge=1)
    """Columns of the one matrix and rows of the other; the plan uses 8, 4 and 1."""
    alpha: float = Field(default=32.0, gt=0, allow_inf_nan=False)
    """The product is multiplied by alpha / rank, so that one learning rate serves all ranks (Schulman et al. 2025)."""
    targets: str | Annotated[tuple[str, ...], Field(strict=False)] = "all-linear"
    """``all-linear`` but the head; ``attention``, its layers; or layers by the end of their names."""
    rate_factor: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    """Factor on the learning rate of full fine-tuning (LoRA Without Regret, Schulman et al. 2025)."""
    merge: bool = False
    """Write the student as a whole model, merged in float32, instead of an adapter beside its base."""
