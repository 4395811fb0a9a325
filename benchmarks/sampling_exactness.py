"""Whether our decoder draws from the model's own distribution: against transformers' forward, and by chi-square."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy import stats
from torch import Tensor

from noisy_student import seeds
from noisy_student.models.load import LoadedModel
from noisy_student.sampling.decoder import Decoder
from noisy_student.sampling.engine import Decoding
from noisy_student.sampling.torch_engine import TorchEngine

PROMPTS, STEPS, DRAWS = 50, 4, 20_000
"""Prompts to compare after, distributions of each, draws of one token."""
LEAST_EXPECTED = 5
"""Draws of a token for it to be a class of its own in the chi-square test (Cochran 1954)."""
TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Exactness:
    """The largest difference of a probability, and the chi-square test of draws of one token; both at temperature."""

    largest_difference: float
    prompts: int
    distributions: int
    chi_square: float
    classes: int
    p_value: float

    @property
    def lines(self) -> list[str]:
        """What a reader is told."""
        verdict = "within" if self.largest_difference < TOLERANCE else "NOT within"
        return [
            f"largest |p - p'| to transformers' forward, {self.distributions} distributions on {self.prompts} prompts: "
            f"{self.largest_difference:.1e}, {verdict} {TOLERANCE:.0e}",
            f"chi-square of {DRAWS:,} draws of one token in {self.classes} classes: {self.chi_square:.1f}, "
            f"p = {self.p_value:.3f} (seeds are fixed, so it is the same each time)",
        ]


@torch.inference_mode()
def exactness(
    loaded: LoadedModel, engine: TorchEngine, prompts: Sequence[Sequence[int]], temperature: float
) -> Exactness:
    """Compare after each prompt and after a few tokens more."""
    found_SPV, ids_PS = _decoded(Decoder(loaded.model), prompts, temperature)
    largest, exact = 0.0, []
    for prompt, ids, p_SV in zip(prompts, ids_PS.tolist(), found_SPV.transpose(0, 1), strict=True):
        whole = torch.tensor([[*prompt, *ids[:-1]]])
        logits_SV = loaded.model(input_ids=whole, logits_to_keep=STEPS).logits[0]
        other_SV = torch.softmax(logits_SV.double() / temperature, dim=-1)
        largest = max(largest, float((p_SV - other_SV).abs().max()))
        exact.append(other_SV[0].numpy())
    # The prompt after which most tokens are likely enough to be counted: the hardest to get right by chance.
    hardest = max(range(len(prompts)), key=lambda index: int((exact[index] * DRAWS >= LEAST_EXPECTED).sum()))
    drawn = _first_tokens(engine, prompts[hardest], temperature)
    statistic, classes, p_value = _chi_square(drawn, exact[hardest])
    return Exactness(largest, len(prompts), len(prompts) * STEPS, statistic, classes, p_value)


def _decoded(decoder: Decoder, prompts: Sequence[Sequence[int]], temperature: float) -> tuple[Tensor, Tensor]:
    """Our decoder's distributions, steps x prompts x vocabulary, and the tokens fed: the second likeliest each time."""
    count = len(prompts)
    longest = max(map(len, prompts))
    decoder.reserve(longest + STEPS)
    memory = decoder.new_cache(groups=count, rows=count, prompt=longest, drawn=STEPS)
    logits_PV = decoder.read(memory, prompts, range(count))
    memory.seat(range(count))
    found, fed = [], []
    for step in range(STEPS):
        found.append(torch.softmax(logits_PV.double() / temperature, dim=-1))
        fed.append(logits_PV.topk(2, dim=-1).indices[:, 1])
        if step + 1 < STEPS:
            logits_PV = decoder.step(memory, fed[-1])
    return torch.stack(found), torch.stack(fed, dim=1)


def _first_tokens(engine: TorchEngine, prompt: Sequence[int], temperature: float) -> list[int]:
    row_seeds = [seeds.seed(1, "chi-square", str(number)) for number in range(DRAWS)]
    draws = engine.draw([prompt], [row_seeds], Decoding(temperature=temperature, max_new_tokens=1))[0]
    return [draw.token_ids[0] for draw in draws]


def _chi_square(drawn: Sequence[int], exact_V: np.ndarray) -> tuple[float, int, float]:
    """Statistic, classes and p-value; tokens too rare to be counted are one class."""
    expected_V = exact_V / exact_V.sum() * len(drawn)
    counts_V = np.bincount(drawn, minlength=len(exact_V))
    often = expected_V >= LEAST_EXPECTED
    counts, expected = list(counts_V[often]), list(expected_V[often])
    if expected_V[~often].sum() >= LEAST_EXPECTED:
        counts.append(counts_V[~often].sum())
        expected.append(expected_V[~often].sum())
    else:
        counts[-1] += counts_V[~often].sum()
        expected[-1] += expected_V[~often].sum()
    test = stats.chisquare(counts, expected)
    return float(test.statistic), len(counts), float(test.pvalue)
