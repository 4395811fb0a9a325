"""What groups of answers taught, condition by condition: mixed ones do, those of one reward do not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from noisy_student.report.numbers import DASH, count, percent
from noisy_student.report.table import Column, Line, Table
from noisy_student.report.wording import Row, rows

MEASURES = (("reward", "mean reward", 1), ("right", "reached the label, %", 100),
            ("mixed", "mixed groups, %", 100), ("kl", "divergence from the start, nats", 1),
            ("mean_length", "tokens an answer", 1), ("stopped", "ended by themselves, others cut, %", 100),
            ("dev", "dev questions right, %", 100))  # fmt: skip
"""What is drawn of answers in training: its name, its words, and what it is multiplied by."""
KINDS = ("mixed", "all-right", "all-wrong")


def groups_table(results: Row) -> Table:
    """Groups of a GRPO student by the origin of their label and, where the truth is known, whether it is right."""
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
        "Groups of answers to one question by its label. Only mixed groups move the model where nothing but being "
        "right is paid; all right means that every answer reached the label, which of a wrong label is the error that "
        "nothing in training can see."
    )
    grpo = (results.get("settings") or {}).get("grpo") or {}
    if {"prompts", "generations"} <= grpo.keys():
        caption += f" A step asks {grpo['prompts']} questions {grpo['generations']} times each unless a condition says."
    return Table("Groups of answers", caption, columns, lines)


def capacity_table(results: Row) -> Table:
    """What students that adapters were trained for, and those beside them, could take in and had to."""
    students = [row for row in rows(results, "conditions") if row.get("trainable_parameters") is not None]
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Trained numbers"),
        Column("Learning rate"),
        Column("Tried on dev", "left"),
        Column("Episodes"),
        Column("Bits of reward"),
    )
    lines = tuple(
        Line(
            (
                str(row.get("name")),
                count(row.get("seed")),
                count(row.get("trainable_parameters")),
                f"{row['learning_rate']:.1e}" if row.get("learning_rate") else DASH,
                _tried(row),
                count(_episodes(row)),
                count(None if row.get("reward_bits") is None else round(row["reward_bits"])),
            )
        )
        for row in students
    )
    caption = (
        "Trained numbers: of all weights or of the adapter. Tried on dev: factors of the learning rate and right "
        "answers with each; the best was tested. Episodes: visits of a question, each answered by a group. Bits of "
        "reward: what right and wrong can have told at most, the entropy of each group's rewards."
    )
    return Table("Capacity", caption, columns, lines if any(_apart(students)) else ())


def _tried(row: Row) -> str:
    tried = row.get("tried") or ()
    shares = [None if each["right"] is None else each["right"] / each["n"] for each in tried]
    return ", ".join(f"{each['rate']:g}: {percent(share)}" for each, share in zip(tried, shares, strict=True)) or DASH


def _apart(students: Sequence[Row]) -> Iterator[bool]:
    """Whether students differ in what is trained, or in a choice on dev."""
    yield len({row["trainable_parameters"] for row in students}) > 1
    yield any(row.get("tried") for row in students)


def _episodes(row: Row) -> int | None:
    counts = [row.get(name) for name in ("gold_episodes", "pseudo_episodes", "revealed_episodes")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


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
    """Every trained student that was looked at, with what was found first, or healthy."""
    columns = (
        Column("Condition", "left"),
        Column("Seed"),
        Column("Step"),
        Column("Found", "left"),
        Column("Seen", "left"),
        Column("Cause", "left"),
        Column("What to do", "left"),
    )
    lines = []
    for row in _looked_at(results):
        name, seed = str(row.get("name")), count(row.get("seed"))
        looks = row["health"]["looks"]
        for found in row["health"]["found"]:
            words = (str(found[part]) for part in ("name", "evidence", "cause", "remedy"))
            lines.append(Line((name, seed, count(found["step"]), *words)))
        if not row["health"]["found"]:
            seen = f"{len(looks)} look{'s' if len(looks) > 1 else ''}"
            lines.append(Line((name, seed, count(looks[-1]), HEALTHY, seen, "", ""), faint=True))
    caption = (
        "Looks at a training by rules with fixed thresholds; of a chain of conditions the cause is named. Healthy "
        "means that none of the rules found anything up to this step, no more."
    )
    return Table("Health", caption, columns, tuple(lines))


def health_lines(results: Row) -> Iterator[str]:
    """A sentence for every condition that was found."""
    for row in _looked_at(results):
        for found in row["health"]["found"]:
            yield (
                f"Unhealthy: {row.get('name')} (seed {row.get('seed')}), step {found['step']}: {found['name']}. "
                f"{found['evidence']} {found['cause']} Do: {found['remedy']}"
            )


def misleading(results: Row) -> list[str]:
    """What looks wrong in the curves and is not, once for all students whose numbers say it."""
    said = (f"{row.get('name')}: {text}" for row in _looked_at(results) for text in row["health"]["misleading"])
    return list(dict.fromkeys(said))


def _looked_at(results: Row) -> list[Row]:
    return [row for row in rows(results, "conditions") if row.get("health")]
