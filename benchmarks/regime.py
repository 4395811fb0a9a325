"""Measures the lab's regime: is it a place where votes on unlabeled questions could teach something?

    python benchmarks/regime.py FOLDER [FOLDER ...] [--out results/regime.json]

Each folder is a lab model made by ``python -m noisy_student.lab.__main__`` with another seed. The study beside this
file is run on each: greedy and 8 samples at T = .7 on 2,000 fresh questions by the untrained model, by the SFT
baseline (500 gold labels) and by the oracle (2,500). The noisy student is not trained here and not looked at: nothing
may be tuned to make it win. Exits 1 if a requirement is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from noisy_student import files
from noisy_student.evaluation.grade import read_grades
from noisy_student.pipeline.store import Store
from noisy_student.records import Grade
from noisy_student.sampling.sample import read_samples
from noisy_student.study.plan.plan import plan
from noisy_student.study.plan.students import ConditionNodes
from noisy_student.study.run import Place, Run, run
from noisy_student.study.settings.files import Request, resolve

K = 8
HIGH = 6
"""Votes that make an agreement of at least 75 %."""
POOLED_BELOW = 50
"""Levels with fewer questions join the next lower one."""
STUDY = str(Path(__file__).with_suffix(".toml"))


@dataclass(frozen=True, slots=True)
class Teacher:
    """What a model's greedy answers, samples and votes are worth on the same questions; shares of 1."""

    greedy: float
    single: float
    maj: float
    coverage_high: float
    precision_high: float
    greedy_is_winner_high: float
    distinct_right_texts: float
    levels: dict[int, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Requirement:
    """One line of the regime: what was measured and whether it holds."""

    name: str
    measured: str
    holds: bool


def main() -> None:
    """Run the study on every model, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--store", type=Path, default=Path(".noisy-student"))
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--questions", type=int, default=2000)
    given = parser.parse_args()
    report = []
    for model in given.models:
        place = Place(given.store, given.runs)
        teachers, made = measure(model, place, given.questions)
        checks = requirements(teachers, made)
        show(model, teachers, made, checks)
        report.append(
            {
                "model": model.name,
                "teachers": {name: asdict(teacher) for name, teacher in teachers.items()},
                "accuracy": {row["name"]: row["accuracy"] for row in made.results["conditions"]},
                "oracle_gap": made.findings[0],
                "requirements": [asdict(check) for check in checks],
            }
        )
    if given.out is not None:
        files.write_json(given.out, json.loads(json.dumps(report)))
    sys.exit(not all(check["holds"] for entry in report for check in entry["requirements"]))


def measure(model: Path, place: Place, questions: int) -> tuple[dict[str, Teacher], Run]:
    """The study's run on one model, and what its untrained model and its baseline are worth as teachers."""
    overrides = {"model.id": str(model), "data.test": questions, "evaluation.sampled_questions": questions}
    settings = resolve(Request(study=STUDY, overrides=overrides))
    made = run(settings, place=place, notice=lambda line: print(line, file=sys.stderr))
    store = Store(place.store)
    nodes = {item.name: item for item in plan(settings).conditions}
    return {name: teacher(nodes[name], store) for name in ("base", "baseline")}, made


def teacher(nodes: ConditionNodes, store: Store) -> Teacher:
    """Votes over the sampled answers of each question, beside the greedy answer."""
    folder = store.data(nodes.grade)
    greedy = {grade.question_id: grade for grade in read_grades(folder / "grades.jsonl")}
    sampled: dict[str, list[Grade]] = defaultdict(list)
    for grade in read_grades(folder / "sampled.jsonl"):
        sampled[grade.question_id].append(grade)
    texts = right_texts(nodes, store, sampled)
    levels: dict[int, list[bool]] = defaultdict(list)
    same = []
    winners = 0
    for question_id, grades in sampled.items():
        counts = Counter(grade.answer for grade in grades if grade.answer is not None).most_common()
        if not counts or (len(counts) > 1 and counts[0][1] == counts[1][1]):
            continue
        winner, votes = counts[0]
        right = next(grade.correct for grade in grades if grade.answer == winner)
        winners += right
        levels[votes].append(right)
        if votes >= HIGH:
            same.append(greedy[question_id].answer == winner)
    high = [right for votes, rights in levels.items() if votes >= HIGH for right in rights]
    return Teacher(
        greedy=mean(grade.correct for grade in greedy.values()),
        single=mean(grade.correct for grades in sampled.values() for grade in grades),
        maj=winners / len(sampled),
        coverage_high=len(high) / len(sampled),
        precision_high=mean(high),
        greedy_is_winner_high=mean(same),
        distinct_right_texts=mean(len(found) for found in texts.values() if found),
        levels={votes: (len(rights), mean(rights)) for votes, rights in sorted(levels.items())},
    )


def right_texts(nodes: ConditionNodes, store: Store, sampled: dict[str, list[Grade]]) -> dict[str, set[str]]:
    """The different texts of each question that reach the right answer."""
    right = {(grade.question_id, grade.k) for grades in sampled.values() for grade in grades if grade.correct}
    found: dict[str, set[str]] = defaultdict(set)
    for node in nodes.grade.inputs["sampled"]:
        for sample in read_samples(store.data(node) / "samples.jsonl"):
            if (sample.question_id, sample.k) in right:
                found[sample.question_id].add(sample.text)
    return found


def requirements(teachers: dict[str, Teacher], made: Run) -> list[Requirement]:
    """The lines of the regime, held against what was measured."""
    base = teachers["base"]
    gap = made.findings[0]
    low = gap["interval"][0]
    return [
        Requirement("greedy base 10-40 %", f"{base.greedy:.1%}", 0.10 <= base.greedy <= 0.40),
        Requirement("maj@8 - greedy >= 3", f"{100 * (base.maj - base.greedy):+.1f}", base.maj - base.greedy >= 0.03),
        Requirement("maj@8 - single >= 5", f"{100 * (base.maj - base.single):+.1f}", base.maj - base.single >= 0.05),
        Requirement(
            "greedy is the winner of at most 90 % of the votes >= 75 %",
            f"{base.greedy_is_winner_high:.1%}",
            base.greedy_is_winner_high <= 0.90,
        ),
        Requirement(
            "distinct right texts >= 3 where any is right",
            f"{base.distinct_right_texts:.2f}",
            base.distinct_right_texts >= 3,
        ),
        Requirement("precision does not fall with agreement", falls(base.levels) or "monotone", not falls(base.levels)),
        Requirement(
            "votes >= 75 % are 85-97 % right", f"{base.precision_high:.1%}", 0.85 <= base.precision_high <= 0.97
        ),
        Requirement("at 10-40 % coverage", f"{base.coverage_high:.1%}", 0.10 <= base.coverage_high <= 0.40),
        Requirement(
            "oracle - baseline >= 5, interval above 0",
            f"{100 * gap['difference']:+.1f} [{100 * low:+.1f}, {100 * gap['interval'][1]:+.1f}]",
            gap["difference"] >= 0.05 and low > 0,
        ),
    ]


def falls(levels: dict[int, tuple[int, float]]) -> str:
    """Where precision falls by more than two standard errors from one level to the next; empty if nowhere."""
    pooled: list[tuple[int, int, float]] = []
    for votes, (count, precision) in sorted(levels.items(), reverse=True):
        if pooled and pooled[-1][1] < POOLED_BELOW:
            top, had, before = pooled.pop()
            count, precision = had + count, (had * before + count * precision) / (had + count)
            votes = top
        pooled.append((votes, count, precision))
    for (high, n_high, p_high), (low, n_low, p_low) in zip(pooled, pooled[1:], strict=False):
        error = (p_high * (1 - p_high) / n_high + p_low * (1 - p_low) / n_low) ** 0.5
        if p_low - p_high > 2 * error:
            return f"{p_low:.1%} at {low} votes, {p_high:.1%} at {high}"
    return ""


def show(model: Path, teachers: dict[str, Teacher], made: Run, checks: list[Requirement]) -> None:
    """Print what was measured on one model."""
    print(f"\n{model}")
    for row in made.results["conditions"]:
        print(f"  {row['name']:<10} {row['accuracy']:.1%} of {row['n']}, stops by itself {row['stop_rate']:.0%}")
    for name, found in teachers.items():
        print(
            f"  {name} as teacher: greedy {found.greedy:.1%}  single {found.single:.1%}  maj@8 {found.maj:.1%}  "
            f">= 6 of 8: {found.precision_high:.1%} right at {found.coverage_high:.1%}"
        )
        levels = "  ".join(f"{votes}: {precision:.0%} of {n}" for votes, (n, precision) in found.levels.items())
        print(f"    by votes  {levels}")
    for check in checks:
        print(f"  {'ok  ' if check.holds else 'MISS'}  {check.name}: {check.measured}")


def mean(values: object) -> float:
    """The mean of some numbers; nan without any."""
    found = [float(value) for value in values]  # type: ignore[attr-defined]
    return sum(found) / len(found) if found else float("nan")


if __name__ == "__main__":
    main()
