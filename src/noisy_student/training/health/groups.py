"""Rules on groups of answers: no signal from too small or one-sided ones, one answer to all questions, collapse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from noisy_student.statistics.intervals import wilson
from noisy_student.statistics.paired import mcnemar_exact
from noisy_student.training.health.window import RECENT, Finding, Window, percent
from noisy_student.training.measurements import Group, GroupKind, kinds, leading_share_of_all, most_common


def mixed_share(groups: Sequence[Group], generations: int) -> float | None:
    """Estimate the share of mixed groups of ``generations`` answers for questions like those of ``groups``.

    Questions differ in their probability of a right answer (beta-binomial, Skellam 1948): the mean of
    r (r - 1) / (n (n - 1)) estimates its mean square without bias. None without groups.

    >>> halves = [Group(0, str(n), "gold", "4", answers=2, right=n % 2) for n in range(8)]
    >>> round(mixed_share(halves, 2), 2), round(mixed_share(halves, 8), 2)
    (0.38, 0.9)
    """
    if not groups:
        return None
    mean = sum(group.right / group.answers for group in groups) / len(groups)
    if mean in (0.0, 1.0):
        return 0.0
    square = sum(group.right * (group.right - 1) / (group.answers * (group.answers - 1)) for group in groups)
    alike = (square / len(groups) - mean * mean) / (mean * (1 - mean))
    if alike >= 1:
        return 0.0
    if alike <= 0:
        return 1 - mean**generations - (1 - mean) ** generations
    both = 1 / alike - 1
    right = math.prod((both * mean + drawn) / (both + drawn) for drawn in range(generations))
    wrong = math.prod((both * (1 - mean) + drawn) / (both + drawn) for drawn in range(generations))
    return 1 - right - wrong


USUAL = 8
"""Answers a group: the rule of thumb of verifiers and prime-rl, which fixed the plan's runs."""
FEW_MIXED, FEWEST_MIXED = 2 / 5, 1 / 3
"""Shares of mixed groups below which sampling is wasted (the 99 % interval lies below), for groups smaller than usual
and for others. In the lab half to three quarters are mixed at first."""
SURELY = 0.99
WORTH_IT = 1.5
"""Factor of mixed groups that larger groups must promise to be worth their cost."""
NOT_ONE_SIDED = (0.1, 0.9)
"""Shares of right answers between which the size of groups is the cause, not the questions."""


def group_too_small(window: Window) -> Finding | None:
    """Few groups are mixed, and larger groups of the same questions would be."""
    groups, grpo = window.recent_groups, window.grpo
    if not groups:
        return None
    few = FEW_MIXED if grpo.generations < USUAL else FEWEST_MIXED
    mixed = kinds(groups)["mixed"] / len(groups)
    right = sum(group.right for group in groups) / sum(group.answers for group in groups)
    if not _surely_fewer(groups, few) or not NOT_ONE_SIDED[0] < right < NOT_ONE_SIDED[1]:
        return None
    wanted = max(USUAL, 2 * grpo.generations)
    promised = mixed_share(groups, wanted) or 0.0
    if promised < WORTH_IT * mixed or promised <= mixed:
        return None
    return (
        f"{percent(mixed)} of groups of {grpo.generations} answers are mixed, {mixed * grpo.prompts:.1f} a step, while "
        f"{percent(right)} of all answers are right; of groups of {wanted} about {percent(promised)} would be.",
        "Only a group with right and wrong answers has advantages; the others were sampled for nothing.",
        f"--set grpo.generations={wanted}",
    )


def pool_all_right(window: Window) -> Finding | None:
    """Hardly any group is mixed, and all-right groups are at least as many as all-wrong ones."""
    cause = "The questions are too easy, or the model has learned all that their labels teach."
    return _one_sided(window, "all-right", cause, "Use harder questions, or stop here.")


def pool_all_wrong(window: Window) -> Finding | None:
    """Hardly any group is mixed, and all-wrong groups are more than all-right ones."""
    cause = "The questions are too hard for this model, or their labels are wrong."
    remedy = "Use easier questions or a better start (fine-tune on gold first), and check some labels."
    return _one_sided(window, "all-wrong", cause, remedy)


def _one_sided(window: Window, side: GroupKind, cause: str, remedy: str) -> Finding | None:
    groups = window.recent_groups
    found = kinds(groups)
    most = "all-right" if found["all-right"] >= found["all-wrong"] else "all-wrong"
    if most != side or not _surely_fewer(groups, FEWEST_MIXED):
        return None
    few = min(found["all-right"], found["all-wrong"])
    return (
        f"Of the last {len(groups)} groups {found[side]} are {side.replace('-', ' ')} and {found['mixed']} are mixed.",
        cause if few < len(groups) / 4 else "Some questions are too easy, the others too hard.",
        remedy,
    )


def _surely_fewer(groups: list[Group], share: float) -> bool:
    """True where the confidence interval of the share of mixed groups lies below ``share``."""
    return bool(groups) and wilson(kinds(groups)["mixed"], len(groups), confidence=SURELY).high < share


ONE_ANSWER = 0.5
"""Share of the questions with the same leading answer (the collapse of SRT, Shafayat et al. 2025)."""
BEYOND_GOLD = 0.25
"""Excess of that share over the share of the most common true answer on dev."""
LEAST_QUESTIONS = 20
COLLAPSE_P = 0.002
"""Two-sided p of a fall on dev from the best check so far; in simulation (48 questions) 0.07 % of runs of two checks,
and 1.7 % of ten, fall so far by chance."""


def one_answer(window: Window) -> Finding | None:
    """Most questions get the same answer."""
    leading = {group.question_id: group.leading for group in window.recent_groups}
    if len(leading) < LEAST_QUESTIONS:
        return None
    share = leading_share_of_all(leading.values())
    true = float(window.checks[-1].get("dev_leading") or 0.0) if window.checks else 0.0
    if share <= ONE_ANSWER or share <= true + BEYOND_GOLD:
        return None
    return (
        f"{most_common(leading.values())} is the most common answer to {percent(share)} of the latest {len(leading)} "
        "questions.",
        "One answer is rewarded whatever the question: votes agree on it, or labels are all equal.",
        "Check the labels; stored votes hold longer than online ones, gold and an anchor (grpo.beta) hold longest.",
    )


def collapse(window: Window) -> Finding | None:
    """Rewards are no lower than at an earlier check, and accuracy on dev is significantly lower."""
    known = [check for check in window.checks if check.get("dev") is not None]
    if len(known) < 2:
        return None
    now, best = known[-1], max(known[:-1], key=lambda check: sum(check["dev"]))
    lost = sum(was and not is_ for was, is_ in zip(best["dev"], now["dev"], strict=True))
    won = sum(is_ and not was for was, is_ in zip(best["dev"], now["dev"], strict=True))
    until_then = window.facts[: max(RECENT, int(best["step"]) // window.cycle)]
    reward, reward_then = window.mean("right"), replace(window, facts=until_then).mean("right")
    if lost <= won or mcnemar_exact(lost, won) > COLLAPSE_P or reward < reward_then:
        return None
    origins = {group.origin for group in window.recent_groups}
    cause = "Votes agree on wrong answers." if "vote" in origins else "Wrong answers earn rewards."
    return (
        f"Answers reach their label as often as at step {best['step']} or more ({percent(reward)}, "
        f"{percent(reward_then)} then), and of {len(now['dev'])} dev questions {sum(now['dev'])} are right, "
        f"{sum(best['dev'])} then.",
        f"{cause} Rewards no longer measure accuracy.",
        "Stop here and keep an earlier student; train on labels that agree (select = { min_agreement = 0.75 }) or "
        "from more gold; stored votes hold longer than online ones.",
    )
