"""Tables of training: groups of completions, capacity of the students and health findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from noisy_student.report.numbers import DASH, count, percent, rounded
from noisy_student.report.table import Column, Table, field, tabulate
from noisy_student.report.wording import Row, rows

MEASURES = (("reward", "mean reward", 1), ("right", "matches the label, %", 100),
            ("mixed", "mixed groups, %", 100), ("kl", "KL to the start, nats", 1),
            ("mean_length", "tokens per completion", 1), ("stopped", "ended before the cap, %", 100),
            ("dev", "dev accuracy, %", 100))  # fmt: skip
"""Measures of training that are drawn: field, title of the panel, factor."""


def groups_table(results: Row) -> Table:
    """Return the groups of each GRPO student by origin and, if gold answers are known, correctness of their label."""
    columns = (
        Column("Condition", "left", cell=field("name")),
        Column("Seed", cell=field("seed", count)),
        Column("Label", "left", cell=field("label")),
        Column("Groups", cell=field("total", count)),
        Column("Mixed", cell=field("mixed", percent)),
        Column("All right", cell=field("all-right", percent)),
        Column("All wrong", cell=field("all-wrong", percent)),
    )
    groups = [group for row in rows(results, "conditions") for group in _groups(row)]
    caption = (
        "Groups: completions of one question, by its label. If only correctness is rewarded, only mixed groups have a "
        "gradient. All right: every completion matches the label; if the label is wrong, training cannot detect it."
    )
    grpo = (results.get("settings") or {}).get("grpo") or {}
    if {"prompts", "generations"} <= grpo.keys():
        caption += f" A step samples {grpo['prompts']} questions {grpo['generations']} times each by default."
    return Table("Groups of completions", caption, *tabulate(columns, groups))


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


def _groups(row: Row) -> Iterator[Row]:
    """Yield the number of groups by label, and the share of each kind of group."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for each in (row.get("group_quality") or {}).get("groups") or ():
        found.setdefault((each["origin"], each["label"]), Counter())[each["kind"]] += int(each["groups"])
    for (origin, label), kinds in found.items():
        name = f"pseudo, {label}" if origin == "pseudo" else origin
        shares = {kind: kinds[kind] / kinds.total() for kind in KINDS} if kinds.total() else {}
        yield {"name": row.get("name"), "seed": row.get("seed"), "label": name, "total": kinds.total(), **shares}


KINDS = ("mixed", "all-right", "all-wrong")
HEALTHY = "healthy"


def health_table(results: Row) -> Table:
    """Return the findings of every checked student, or one line that it is healthy."""
    columns = (
        Column("Condition", "left", cell=field("condition")),
        Column("Seed", cell=field("seed", count)),
        Column("Step", cell=field("step", count)),
        Column("Finding", "left", cell=field("name")),
        Column("Evidence", "left", cell=field("evidence")),
        Column("Cause", "left", cell=field("cause")),
        Column("What to do", "left", cell=field("remedy")),
    )
    findings: list[Row] = []
    for row in _checked(results):
        looks = row["health"]["looks"]
        seen = f"{len(looks)} check{'s' if len(looks) > 1 else ''}"
        healthy = {"step": looks[-1], "name": HEALTHY, "evidence": seen, "cause": "", "remedy": ""} if looks else {}
        for found in row["health"]["found"] or [healthy]:
            findings.append({**found, "condition": row.get("name"), "seed": row.get("seed")})
    lines = tabulate(columns, findings, faint=lambda row: row["name"] == HEALTHY)
    caption = (
        "Rules with fixed thresholds check each training; of findings that explain each other only the cause is "
        "listed. Healthy: no rule had a finding up to this step."
    )
    return Table("Health", caption, *lines)


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
