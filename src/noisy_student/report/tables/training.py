"""Tables of training: groups of completions, capacity of the students and health findings."""

from __future__ import annotations

from collections.abc import Iterator

from noisy_student.report.numbers import DASH, count, percent, rounded
from noisy_student.report.table import Column, Line, Table, field, tabulate
from noisy_student.report.wording import Row, rows

MEASURES = (("reward", "mean reward", 1), ("right", "matches the label, %", 100),
            ("mixed", "mixed groups, %", 100), ("kl", "KL to the start, nats", 1),
            ("mean_length", "tokens per completion", 1), ("stopped", "ended before the cap, %", 100),
            ("dev", "dev accuracy, %", 100))  # fmt: skip
"""Measures of training that are drawn: field, title of the panel, factor."""
KINDS = ("mixed", "all-right", "all-wrong")


def groups_table(results: Row) -> Table:
    """Return the groups of each GRPO student by origin and, if gold answers are known, correctness of their label."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Label", "left"),
        Column("Groups"),
        Column("Mixed"),
        Column("All right"),
        Column("All wrong"),
    )
    lines = tuple(line for row in rows(results, "conditions") for line in _lines(row))
    caption = (
        "Groups: completions of one question, by its label. If only correctness is rewarded, only mixed groups have a "
        "gradient. All right: every completion matches the label; if the label is wrong, training cannot detect it."
    )
    grpo = (results.get("settings") or {}).get("grpo") or {}
    if {"prompts", "generations"} <= grpo.keys():
        caption += f" A step samples {grpo['prompts']} questions {grpo['generations']} times each by default."
    return Table("Groups of completions", caption, columns, lines)


def capacity_table(results: Row) -> Table:
    """Return trainable parameters, learning rate and reward bits of each student, if students differ in them."""
    students = [row for row in rows(results, "conditions") if row.get("trainable_parameters") is not None]
    columns = (
        Column("Condition", "left", cell=field("name")),
        Column("Seed", cell=field("seed", count)),
        Column("Trained weights", cell=field("trainable_parameters", count)),
        Column("Learning rate", cell=field("learning_rate", lambda rate: f"{rate:.1e}" if rate else DASH)),
        Column("Tried on dev", "left", cell=_tried),
        Column("Episodes", cell=_episodes),
        Column("Reward bits", cell=field("reward_bits", rounded)),
    )
    caption = (
        "Trained weights: number, of the full model or of the adapter. Tried on dev: factors of the learning rate with "
        "their dev accuracy; the best one was tested. Episodes: visits of a question, one group of completions each. "
        "Reward bits: upper bound on the information in the rewards, the entropy summed over groups."
    )
    differ = len({row["trainable_parameters"] for row in students}) > 1 or any(row.get("tried") for row in students)
    return Table("Capacity", caption, *tabulate(columns, students if differ else ()))


def _tried(row: Row) -> str:
    tried = row.get("tried") or ()
    shares = [None if each["right"] is None else each["right"] / each["n"] for each in tried]
    return ", ".join(f"{each['rate']:g}: {percent(share)}" for each, share in zip(tried, shares, strict=True)) or DASH


def _episodes(row: Row) -> str:
    episodes = [row.get(name) for name in ("gold_episodes", "pseudo_episodes", "revealed_episodes")]
    known = [number for number in episodes if number is not None]
    return count(sum(known) if known else None)


def _lines(row: Row) -> list[Line]:
    quality = row.get("group_quality") or {}
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in quality.get("groups") or ():
        kinds = found.setdefault((str(each["origin"]), str(each["label"])), {})
        kinds[str(each["kind"])] = kinds.get(str(each["kind"]), 0) + int(each["groups"])
    lines = []
    for (origin, label), kinds in found.items():
        total = sum(kinds.values())
        shares = tuple(percent(kinds.get(kind, 0) / total) if total else DASH for kind in KINDS)
        name = f"pseudo, {label}" if origin == "pseudo" else origin
        lines.append(Line((str(row.get("name")), count(row.get("seed")), name, count(total), *shares)))
    return lines


HEALTHY = "healthy"


def health_table(results: Row) -> Table:
    """Return the findings of every checked student, or one line that it is healthy."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Step"),
        Column("Finding", "left"),
        Column("Evidence", "left"),
        Column("Cause", "left"),
        Column("What to do", "left"),
    )
    lines = []
    for row in _checked(results):
        name, seed = str(row.get("name")), count(row.get("seed"))
        looks = row["health"]["looks"]
        for found in row["health"]["found"]:
            words = (str(found[part]) for part in ("name", "evidence", "cause", "remedy"))
            lines.append(Line((name, seed, count(found["step"]), *words)))
        if not row["health"]["found"]:
            seen = f"{len(looks)} check{'s' if len(looks) > 1 else ''}"
            lines.append(Line((name, seed, count(looks[-1]), HEALTHY, seen, "", ""), faint=True))
    caption = (
        "Rules with fixed thresholds check each training; of findings that explain each other only the cause is "
        "listed. Healthy: no rule had a finding up to this step."
    )
    return Table("Health", caption, columns, tuple(lines))


def health_lines(results: Row) -> Iterator[str]:
    """Yield a sentence for every finding."""
    for row in _checked(results):
        for found in row["health"]["found"]:
            yield (
                f"Unhealthy: {row.get('name')} (seed {row.get('seed')}), step {found['step']}: {found['name']}. "
                f"{found['evidence']} {found['cause']} Do: {found['remedy']}"
            )


def misleading(results: Row) -> list[str]:
    """Return remarks on harmless log values that seem wrong, each once per condition."""
    said = (f"{row.get('name')}: {text}" for row in _checked(results) for text in row["health"]["misleading"])
    return list(dict.fromkeys(said))


def _checked(results: Row) -> list[Row]:
    return [row for row in rows(results, "conditions") if row.get("health")]
