"""What ``benchmarks/sampling.py`` says of its passes: the table, the ratios and the share of the limit."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sampling_engines import Drawn
from sampling_limit import Multiplied

NAMES = ("ours", "ours_no_stop", "generate", "padded", "llama_cpp")
RATIOS = {
    "ratio_vs_generate": ("ours_no_stop", "generate"),
    "ratio_vs_generate_with_stop": ("ours", "generate"),
    "ratio_vs_padded": ("ours_no_stop", "padded"),
    "ratio_vs_llama_cpp": ("ours_no_stop", "llama_cpp"),
    "ratio_vs_llama_cpp_with_stop": ("ours", "llama_cpp"),
}


@dataclass(slots=True)
class Passes:
    """What each engine drew and how many seconds it took, round by round."""

    of: dict[str, list[tuple[Drawn, float]]] = field(default_factory=dict)

    def add(self, name: str, drawn: Drawn, seconds: float) -> None:
        """One pass more."""
        self.of.setdefault(name, []).append((drawn, seconds))

    def samples_per_second(self) -> dict[str, float | None]:
        """The median of each engine; None for one that did not run."""
        return {name: self._median(name, lambda drawn: drawn.samples) for name in NAMES}

    def tokens_per_second(self) -> dict[str, float | None]:
        """The median of each engine; None for one that did not run."""
        return {name: self._median(name, lambda drawn: drawn.tokens) for name in NAMES}

    def ratios(self) -> dict[str, float | None]:
        """How many times as many samples a second ours draws."""
        rates = self.samples_per_second()
        found: dict[str, float | None] = {}
        for ratio, (one, other) in RATIOS.items():
            above, below = rates[one], rates[other]
            found[ratio] = None if above is None or below is None else round(above / below, 2)
        return found

    def fractions(self, multiplied: Multiplied, limit: float, prompts: list[int]) -> dict[str, float]:
        """The shares of the limit that decoding and, apart, reading the prompts take of ours without stop.

        The first token of a sample comes of reading its prompt, so it is not one that was fed to the decoder.
        """
        reading = multiplied.reading(sum(prompts), len(prompts))
        decoding = self._median("ours_no_stop", lambda drawn: multiplied.decoding(drawn.tokens - drawn.samples))
        read = self._median("ours_no_stop", lambda drawn: reading)
        assert decoding is not None and read is not None
        return {
            "fraction_of_limit": round(decoding / limit, 3),
            "prefill_fraction_of_limit": round(read / limit, 3),
        }

    def table(self) -> list[str]:
        """A line for each engine."""
        lines = [f"{'':<14}{'samples/s':>10}{'tokens/s':>10}{'spread':>9}{'tokens':>8}{'at cap':>8}"]
        samples, tokens = self.samples_per_second(), self.tokens_per_second()
        for name in NAMES:
            passes = self.of.get(name)
            if passes is None:
                lines.append(f"{name:<14}{'-':>10}{'-':>10}")
                continue
            rates = [drawn.samples / seconds for drawn, seconds in passes]
            spread = (max(rates) - min(rates)) / statistics.median(rates)
            rows = sum(drawn.samples for drawn, _ in passes)
            length = sum(drawn.tokens for drawn, _ in passes) / rows
            capped = sum(drawn.capped for drawn, _ in passes) / rows
            lines.append(
                f"{name:<14}{samples[name]:>10.2f}{tokens[name]:>10.1f}{spread:>9.1%}{length:>8.1f}{capped:>8.1%}"
            )
        lines.append("spread: largest less smallest of the rounds; tokens: a sample's mean; no stop at the answer but")
        lines.append("in ours: generate and llama.cpp have none, so ours and ours_no_stop are both held against them.")
        return lines

    def _median(self, name: str, amount: Callable[[Drawn], float]) -> float | None:
        rates = [amount(drawn) / seconds for drawn, seconds in self.of.get(name, [])]
        return round(statistics.median(rates), 3) if rates else None


def limit_lines(limits: Mapping[str, float], fractions: Mapping[str, float]) -> list[str]:
    """The measured products and what ours takes of the fastest."""
    sizes = ", ".join(f"{size} {speed / 1e9:.0f}" for size, speed in limits.items())
    return [
        f"matmul limit: {max(limits.values()) / 1e9:.0f} GFLOP/s (float32, by size: {sizes})",
        f"of it ours_no_stop takes {fractions['fraction_of_limit']:.0%} to decode, and "
        f"{fractions['prefill_fraction_of_limit']:.0%} more to read the prompts",
    ]
