"""How often the verdicts of a study are wrong where nothing is to be found, and how often what is there is found.

    python benchmarks/verdicts.py --out results/verdicts.json

Studies are simulated: questions of unequal difficulty, conditions that share a baseline, training seeds that shift a
student's accuracy. Every study is judged by ``evaluation/contrast.py``'s own ``judge``. Its ``contrast`` takes grades
by name, a millisecond a thousand; so the p values of all studies come from counts by the same functions of
``statistics``, and of the first ``--checked`` studies of each cell from ``contrast`` itself: one difference ends this
program.

What "nothing" means depends on the claim. With one seed a verdict is about checkpoints: the null is that the two
checkpoints have the same true accuracy over all questions of this kind, and whatever a seed did to them is part of them
(``checkpoints``). From three seeds on it is about the recipe: the seeds' shifts are drawn for each condition and seed,
and only their mean is zero (``recipe``). The reading that a claim is not made for is simulated as well, as what it
would cost to misread it: one seed's verdict taken for the recipe's, and a recipe's verdict where every seed has the
same test questions and each recipe its own strengths among them (``recipe, one test set``).
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from noisy_student import seeds
from noisy_student.evaluation.contrast import RECIPE_SEEDS, Outcomes, contrast, judge
from noisy_student.records import Finding
from noisy_student.statistics.differences import paired_t
from noisy_student.statistics.intervals import wilson
from noisy_student.statistics.paired import mcnemar_midp
from noisy_student.statistics.power import paired_mde, paired_power, seeds_mde, unpaired_mde, unpaired_power
from noisy_student.statistics.unpaired import pooled_p

Null = Literal["checkpoints", "recipe", "recipe, one test set"]
Grades = npt.NDArray[np.bool_]
Shares = npt.NDArray[np.float64]
ACCURACY, SPREAD, STRENGTHS = 0.6, 1.8, 0.5
"""Mean accuracy; standard deviations of questions' difficulty and of a recipe's own strengths, on the logit scale."""
CLAIMED, PRINTED = 0.06, 0.80
AT_ONCE = 100


@dataclass(frozen=True)
class Cell:
    """One kind of study."""

    seeds: int
    sigma: float
    """Standard deviation of a seed's shift of the accuracy, in points."""
    null: Null
    comparisons: int = 5
    questions: int = 1000
    effect: float = 0.0
    """By how much the first condition is better than the baseline: 0 for a null."""

    @property
    def claimed(self) -> bool:
        """Whether the program's verdicts make this claim."""
        return self.null == ("checkpoints" if self.seeds < RECIPE_SEEDS else "recipe")


def mean_logit(accuracy: float) -> float:
    """The mean of the questions' logits at which their mean accuracy is this."""
    accuracies, logits = _logits_by_accuracy()
    return float(np.interp(accuracy, accuracies, logits))


def _difficulties() -> Shares:
    return np.linspace(-6, 6, 4001)


def _mean(logit: float) -> float:
    grid = _difficulties()
    weight = np.exp(-(grid**2) / 2)
    return float(np.sum(weight * _share(logit + SPREAD * grid)) / weight.sum())


def discordance(accuracy_a: float, accuracy_b: float) -> float:
    """The share of questions that one of two such conditions alone answers right."""
    grid = _difficulties()
    weight = np.exp(-(grid**2) / 2)
    a, b = (_share(mean_logit(accuracy) + SPREAD * grid) for accuracy in (accuracy_a, accuracy_b))
    return float(np.sum(weight * (a * (1 - b) + b * (1 - a))) / weight.sum())


def _share(logit: Any) -> Any:
    return 1 / (1 + np.exp(-logit))


@functools.cache
def _logits_by_accuracy() -> tuple[Shares, Shares]:
    logits = np.linspace(-4, 6, 2001)
    return np.array([_mean(float(logit)) for logit in logits]), logits


def studies(cell: Cell, count: int) -> Iterator[Grades]:
    """Right or wrong by study, condition (the baseline first), seed and question, ``AT_ONCE`` studies at a time."""
    draw = seeds.array_generator(1, f"verdicts {cell}")
    accuracies, logits = _logits_by_accuracy()
    arms = cell.comparisons + 1
    for start in range(0, count, AT_ONCE):
        size = min(AT_ONCE, count - start)
        apart = cell.null != "checkpoints"
        shifts = draw.normal(0, cell.sigma / 100, (size, arms if apart else 1, cell.seeds, 1))
        mean = ACCURACY + np.broadcast_to(shifts, (size, arms, cell.seeds, 1)).copy()
        mean[:, 1] += cell.effect
        one_test = cell.null == "recipe, one test set"
        difficulty = draw.normal(0, SPREAD, (size, 1, 1 if one_test else cell.seeds, cell.questions))
        logit = np.interp(mean, accuracies, logits) + difficulty
        if one_test:
            logit = logit + draw.normal(0, STRENGTHS, (size, arms, 1, cell.questions))
        yield draw.random(logit.shape, dtype=np.float32) < _share(logit)


def quick_findings(grades: Grades) -> list[Finding]:
    """The primary findings of one study as ``contrast`` makes them, without intervals and margins."""
    found = []
    for number in range(1, len(grades)):
        a, b = grades[number], grades[0]
        if grades.shape[1] == 1:
            only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
            difference, p_value = (only_a - only_b) / a.size, _midp(only_a, only_b)
        elif grades.shape[1] >= RECIPE_SEEDS:
            test = paired_t([float(x) - float(y) for x, y in zip(a.mean(axis=1), b.mean(axis=1), strict=True)])
            difference, p_value = test.difference, test.p_value
        else:
            raise ValueError("two seeds are judged on question means, which only contrast makes")
        found.append(_finding(number, difference, p_value))
    return found


@functools.cache
def _midp(only_a: int, only_b: int) -> float:
    return mcnemar_midp(only_a, only_b)


def _finding(number: int, difference: float, p_value: float | None) -> Finding:
    return Finding(
        name=f"arm-{number}",
        a=f"arm-{number}",
        b="arm-0",
        difference=difference,
        interval=None,
        p_value=p_value,
        p_adjusted=None,
        method="",
        primary=True,
        family="primary",
        unit="checkpoints",
        seeds=1,
        n=1,
        margin=None,
        mde=None,
        verdict="undecided",
    )


def real_findings(grades: Grades, *, one_test: bool) -> list[Finding]:
    """The primary findings of one study by ``contrast`` itself."""
    arms = [
        Outcomes(
            f"arm-{number}",
            {
                seed: {f"{0 if one_test else seed}-{place:04d}": float(right) for place, right in enumerate(row)}
                for seed, row in enumerate(arm)
            },
        )
        for number, arm in enumerate(grades)
    ]
    return [contrast(arm.condition, arm, arms[0], margin=None, primary=True, family="primary")[0] for arm in arms[1:]]


def false_findings(cell: Cell, count: int, checked: int) -> dict[str, Any]:
    """The share of null studies with any verdict "helps" or "hurts", with Wilson's interval."""
    wrong = 0
    for number, grades in enumerate(study for some in studies(cell, count) for study in some):
        judged = judge(quick_findings(grades), declared=cell.comparisons)
        if number < checked:
            real = judge(real_findings(grades, one_test="one test" in cell.null), declared=cell.comparisons)
            ours, theirs = ([(f.verdict, f.p_adjusted) for f in some] for some in (judged, real))
            if not all(map(_same, ours, theirs)):
                raise SystemExit(f"{cell}: from counts {ours}, from contrast {theirs}")
        wrong += any(finding.verdict in {"helps", "hurts"} for finding in judged)
    interval = wilson(wrong, count)
    return {
        **asdict(cell),
        "claimed": cell.claimed,
        "studies": count,
        "checked_against_contrast": min(checked, count),
        "false": wrong,
        "share": wrong / count,
        "interval": [interval.low, interval.high],
        "held": wrong / count <= CLAIMED if cell.claimed else None,
    }


def _same(ours: tuple[Any, float | None], theirs: tuple[Any, float | None]) -> bool:
    return ours[0] == theirs[0] and math.isclose(ours[1] or 0, theirs[1] or 0, abs_tol=1e-9)


def found_effects(cell: Cell, count: int, printed: float, what: str) -> dict[str, Any]:
    """The share of studies whose one comparison has p at most .05 in the right direction, beside the printed power."""
    hits = 0
    for grades in (study for some in studies(cell, count) for study in some):
        (finding,) = quick_findings(grades)
        hits += (finding.p_value or 1.0) <= 0.05 and (finding.difference or 0) > 0
    return _power_row(what, cell.seeds, cell.sigma, cell.questions, cell.effect, (hits, count), printed)


def _power_row(
    what: str, seed_count: int, sigma: float, questions: int, effect: float, hits: tuple[int, int], printed: float
) -> dict[str, Any]:
    interval = wilson(*hits)
    power = hits[0] / hits[1]
    return {
        "what": what,
        "seeds": seed_count,
        "sigma": sigma,
        "questions": questions,
        "effect": effect,
        "studies": hits[1],
        "power": power,
        "interval": [interval.low, interval.high],
        "printed": printed,
        "held": abs(power - printed) <= 0.03,
    }


def powers(count: int) -> Iterator[dict[str, Any]]:
    """Every formula of power that the program prints, against studies with exactly that effect."""
    for questions in (500, 1000):
        at = discordance(ACCURACY, ACCURACY)
        for _ in range(20):  # the discordance at the effect that it leads to
            effect = paired_mde(at, questions)
            at = discordance(ACCURACY + effect, ACCURACY)
        cell = Cell(1, 0.0, "checkpoints", comparisons=1, questions=questions, effect=effect)
        yield found_effects(cell, count, PRINTED, "paired_mde, McNemar (plan, power, findings of one seed)")
        half = Cell(1, 0.0, "checkpoints", comparisons=1, questions=questions, effect=effect * 0.7)
        printed = paired_power(discordance(ACCURACY + half.effect, ACCURACY), half.effect, questions)
        yield found_effects(half, count, printed, "paired_power at 0.7 of it (power --delta)")
        yield _unpaired(questions, count)
    for seed_count in (3, 5):
        for sigma in (0.0, 1.0, 2.0):
            sd = math.sqrt(discordance(ACCURACY, ACCURACY) / 1000 + 2 * (sigma / 100) ** 2)
            cell = Cell(seed_count, sigma, "recipe", comparisons=1, effect=seeds_mde(sd, seed_count))
            yield found_effects(cell, count, PRINTED, "seeds_mde at the true sd (plan, findings of the recipe)")


def _unpaired(questions: int, count: int) -> dict[str, Any]:
    effect = unpaired_mde(ACCURACY, questions)
    draw = seeds.array_generator(1, f"unpaired {questions}")
    a = draw.binomial(questions, ACCURACY + effect, count)
    b = draw.binomial(questions, ACCURACY, count)
    hits = sum(pooled_p(int(x), questions, int(y), questions) <= 0.05 and x > y for x, y in zip(a, b, strict=True))
    printed = unpaired_power(ACCURACY + effect, ACCURACY, questions)
    return _power_row("unpaired_power (power --p1 --p2)", 1, 0.0, questions, effect, (int(hits), count), printed)


def cells() -> Iterator[Cell]:
    """The claims, then the readings that are no claims."""
    for seed_count in (1, 3, 5):
        for sigma in (0.0, 1.0, 2.0):
            yield Cell(seed_count, sigma, "checkpoints" if seed_count < RECIPE_SEEDS else "recipe")
    for comparisons in (4, 7):
        yield Cell(1, 1.0, "checkpoints", comparisons)
        yield Cell(3, 1.0, "recipe", comparisons)
    for sigma in (0.0, 1.0, 2.0):
        yield Cell(1, sigma, "recipe")
    for seed_count in (3, 5):
        yield Cell(seed_count, 1.0, "recipe, one test set")


def measure(count: int, checked: int) -> dict[str, Any]:
    """All cells and powers."""
    nulls = []
    for cell in cells():
        nulls.append(false_findings(cell, count, checked))
        _say(nulls[-1])
    found = []
    for row in powers(count):
        found.append(row)
        _say(row)
    held = all(row["held"] for row in [*nulls, *found] if row["held"] is not None)
    return {"schema": 1, "claimed": CLAIMED, "nulls": nulls, "power": found, "held": held}


def _say(row: dict[str, Any]) -> None:
    share = row.get("share", row.get("power"))
    low, high = row["interval"]
    words = [row.get("what") or f"{row['null']}, {row['comparisons']} comparisons", f"seeds {row['seeds']}"]
    words += [f"sigma {row['sigma']:g}", f"{100 * share:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"]
    words += [f"printed {100 * row['printed']:.1f} %"] if "printed" in row else []
    print(", ".join(words), {True: "held", False: "MISSED", None: "(no claim)"}[row["held"]], flush=True)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--checked", type=int, default=40, help="studies a cell that contrast itself judges, too")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    began = time.time()
    found = {**measure(given.studies, given.checked), "seconds": round(time.time() - began, 1)}
    if given.out is not None:
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    raise SystemExit(0 if found["held"] else 1)


if __name__ == "__main__":
    main()
