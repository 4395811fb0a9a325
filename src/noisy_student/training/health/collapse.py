"""Rules on collapse: the model agrees with itself more and is right less."""

from __future__ import annotations

from noisy_student.statistics.paired import mcnemar_exact
from noisy_student.training.health.window import RECENT, Diagnosis, Window, leading_share_of_all, percent

ONE_ANSWER = 0.5
"""Share of the questions with the same leading answer (the collapse of SRT, Shafayat et al. 2025)."""
BEYOND_GOLD = 0.25
"""Excess of that share over the share of the most common true answer on dev."""
LEAST_QUESTIONS = 20
COLLAPSE_P = 0.002
"""Two-sided p of a fall on dev from the best check so far; in simulation (48 questions) 0.07 % of runs of two checks,
and 1.7 % of ten, fall so far by chance."""


def one_answer(window: Window) -> Diagnosis | None:
    """Most questions get the same answer."""
    leading = {group.question_id: group.leading for group in window.recent_groups}
    if len(leading) < LEAST_QUESTIONS:
        return None
    share = leading_share_of_all(leading.values())
    true = float(window.checks[-1].get("dev_leading") or 0.0) if window.checks else 0.0
    if share <= ONE_ANSWER or share <= true + BEYOND_GOLD:
        return None
    answers = list(leading.values())
    answer = max(set(answers), key=answers.count)
    return Diagnosis(
        "one-answer",
        f"{answer} is the most common answer to {percent(share)} of the latest {len(leading)} questions.",
        "One answer is rewarded whatever the question: votes agree on it, or labels are all equal.",
        "Check the labels; stored votes hold longer than online ones, gold and an anchor (grpo.beta) hold longest.",
    )


def collapse(window: Window) -> Diagnosis | None:
    """Rewards are no lower than at an earlier check, and accuracy on dev is significantly lower."""
    known = [check for check in window.checks if check.get("dev") is not None]
    if len(known) < 2:
        return None
    now, best = known[-1], max(known[:-1], key=lambda check: sum(check["dev"]))
    lost = sum(was and not is_ for was, is_ in zip(best["dev"], now["dev"], strict=True))
    won = sum(is_ and not was for was, is_ in zip(best["dev"], now["dev"], strict=True))
    reward, reward_then = window.mean("right"), _mean_reward(window, int(best["step"]))
    if lost <= won or mcnemar_exact(lost, won) > COLLAPSE_P or reward < reward_then:
        return None
    origins = {group.origin for group in window.recent_groups}
    cause = "Votes agree on wrong answers." if "vote" in origins else "Wrong answers earn rewards."
    return Diagnosis(
        "collapse",
        f"Answers reach their label as often as at step {best['step']} or more ({percent(reward)}, "
        f"{percent(reward_then)} then), and of {len(now['dev'])} dev questions {sum(now['dev'])} are right, "
        f"{sum(best['dev'])} then.",
        f"{cause} Rewards no longer measure accuracy.",
        "Stop here and keep an earlier student; train on labels that agree (select = { min_agreement = 0.75 }) or "
        "from more gold; stored votes hold longer than online ones.",
    )


def _mean_reward(window: Window, step: int) -> float:
    """Share of right answers around a step."""
    first = min(max(0, step // window.cycle - RECENT), max(0, len(window.facts) - RECENT))
    rows = window.facts[first : first + RECENT]
    return sum(float(row["right"]) for row in rows) / len(rows)
