"""Rules on a model that agrees with itself more and more, and is right less and less."""

from __future__ import annotations

from noisy_student.statistics.paired import mcnemar_exact
from noisy_student.training.health.window import RECENT, Diagnosis, Window, leading_share, percent

ONE_ANSWER = 0.5
"""Share of the questions with one and the same leading answer (the collapse of SRT, Shafayat et al. 2025)."""
BEYOND_GOLD = 0.25
"""By how much that share must exceed the share of the most common true answer on dev."""
LEAST_QUESTIONS = 20
SURE = 0.002
"""Two-sided p of a fall on dev from the best look so far; in simulation (48 questions) 0.07 % of runs of two looks, and
1.7 % of ten, fall so far by chance."""


def one_answer(window: Window) -> Diagnosis | None:
    """Most questions are answered alike."""
    leading = {group.question_id: group.leading for group in window.recent_groups}
    if len(leading) < LEAST_QUESTIONS:
        return None
    share = leading_share(leading.values())
    true = float(window.looks[-1].get("dev_leading") or 0.0) if window.looks else 0.0
    if share <= ONE_ANSWER or share <= true + BEYOND_GOLD:
        return None
    answers = list(leading.values())
    answer = max(set(answers), key=answers.count)
    return Diagnosis(
        "one-answer",
        f"{percent(share)} of the latest {len(leading)} questions are answered {answer} by most of their answers.",
        "One answer is paid whatever is asked: votes agree on it, or labels are all alike.",
        "Look at the labels; stored votes hold longer than online ones, gold and an anchor (grpo.beta) hold longest.",
    )


def collapse(window: Window) -> Diagnosis | None:
    """Rewards are no lower than at an earlier look, and answers to dev questions are surely worse."""
    known = [look for look in window.looks if look.get("dev") is not None]
    if len(known) < 2:
        return None
    now, best = known[-1], max(known[:-1], key=lambda look: sum(look["dev"]))
    lost = sum(was and not is_ for was, is_ in zip(best["dev"], now["dev"], strict=True))
    won = sum(is_ and not was for was, is_ in zip(best["dev"], now["dev"], strict=True))
    paid, paid_then = window.mean("right"), _paid(window, int(best["step"]))
    if lost <= won or mcnemar_exact(lost, won) > SURE or paid < paid_then:
        return None
    origins = {group.origin for group in window.recent_groups}
    cause = "Votes agree more and more on what is wrong." if "vote" in origins else "Rewards are earned otherwise."
    return Diagnosis(
        "collapse",
        f"Answers reach their label as often as at step {best['step']} or more ({percent(paid)}, {percent(paid_then)} "
        f"then), and of {len(now['dev'])} dev questions {sum(now['dev'])} are right, {sum(best['dev'])} then.",
        f"{cause} Rewards and truth have come apart.",
        "Stop here and keep an earlier student; learn from labels that agree (select = { min_agreement = 0.75 }) or "
        "from more gold; stored votes hold longer than online ones.",
    )


def _paid(window: Window, step: int) -> float:
    """The share of rewarded answers around a step."""
    first = min(max(0, step // window.cycle - RECENT), max(0, len(window.facts) - RECENT))
    rows = window.facts[first : first + RECENT]
    return sum(float(row["right"]) for row in rows) / len(rows)
