"""Outlook on a study's pseudo-labels: about 200 questions are sampled, voted on and judged before the run.

The samples are ordinary nodes of the store, so a second outlook draws nothing. Votes are judged by the gold labels of
labeled and dev questions; the key of unlabeled and test questions is not read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import comb
from typing import Any

from noisy_student.answers.equivalence import same
from noisy_student.data.parts import sizes_of
from noisy_student.errors import UserError
from noisy_student.evaluation.advice import LEAST_PASS_AT_K, Filter, Prospect, advise
from noisy_student.labeling.stopping import votes_needed
from noisy_student.pipeline.node import Node
from noisy_student.pipeline.runner import Result, run_graph
from noisy_student.pipeline.store import Store
from noisy_student.pipeline.workers import local
from noisy_student.records import Vote
from noisy_student.statistics.calibration import LevelCounts, transport
from noisy_student.statistics.intervals import wilson
from noisy_student.study.plan import specs
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.samples import SampledModel
from noisy_student.study.plan.specs import SampleRequest
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.results.view import StoreView
from noisy_student.study.settings.labels import LabelSettings
from noisy_student.study.settings.study import Settings

MOST_CUT = 0.5
"""Share of answers cut off at the cap above which a run does not start by itself."""
LEAST_KNOWN = 4
"""Questions with known answers of which none is answered right by a base at the floor."""
QUESTIONS = 200
"""The most unlabeled questions, and the most questions with known answers."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """Counts of the drawn samples, the accuracy expected of votes, and the advice; shares are of 1."""

    labels: str | None
    teacher: str
    note: str | None
    """Reason why another model than the study's teacher was sampled; None for the teacher."""
    k: int
    unlabeled: int
    known: int
    cut: float
    """Share of the samples that hit the cap."""
    pass_at_1: float
    pass_at_k: float
    vote: float
    """Right votes of all questions with a known answer."""
    mixed: float
    """The chance that a group of GRPO's size has both right and wrong answers; only such groups give a gradient."""
    group: int
    filters: tuple[dict[str, Any], ...]
    advice: str
    reason: str
    rules: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class OutlookNodes:
    """The votes of an outlook by part, and what they are judged with."""

    name: str | None
    label: LabelSettings
    graph: SeedGraph
    teacher: str
    note: str | None
    votes: Mapping[str, Node]

    @property
    def asked(self) -> Settings:
        """Return the settings with the model that is asked."""
        return _settings_of(self.graph, self.teacher)


def outlook_nodes(settings: Settings, store: Store, *, untrained: bool = False) -> OutlookNodes:
    """Return the nodes of an outlook; ``untrained`` asks the base model in place of a teacher that is trained."""
    name, label = _label_set(settings)
    graph = SeedGraph(settings, settings.seeds[0], Inputs(settings))
    teacher, train, note = _teacher(graph, label, StoreView(store))
    if untrained and (train is not None or note is not None):
        teacher, train, note = "the base model", None, None
    votes = vote_nodes(graph, label, SampledModel(teacher, train, _settings_of(graph, teacher)))
    return OutlookNodes(name, label, graph, teacher, note, votes)


def outlook(settings: Settings, store: Store) -> Outlook:
    """Draw the samples that the store lacks, vote, and judge; raises UserError where sampling fails."""
    nodes = outlook_nodes(settings, store)
    executor = local(store, workers=settings.compute.workers)
    return judged(nodes, store, run_graph(list(nodes.votes.values()), store, executor=executor))


def judged(nodes: OutlookNodes, store: Store, result: Result) -> Outlook:
    """Return the outlook of nodes that were run; raises UserError where sampling failed."""
    failed = next((outcome for outcome in result.outcomes.values() if outcome.kind in {"failed", "left"}), None)
    if failed is not None:
        raise UserError(
            f"The outlook could not be sampled: {str(failed.reason).rstrip('.')}.",
            why="It runs the same stages as the study.",
            do="Fix this first: the run would fail at the same point.",
            code="outlook-failed",
        )
    settings, view, votes = nodes.graph.settings, StoreView(store), nodes.votes
    truth = {row.question_id: row.answer for row in view.gold(nodes.graph.split)}
    answered = [vote for part in ("dev", "labeled") if part in votes for vote in view.votes(votes[part])]
    known = [(vote, truth[vote.question_id]) for vote in answered]
    pool = view.votes(votes["unlabeled"])
    drawn = [view.summary(node) or {} for vote in votes.values() for node in vote.inputs["samples"]]
    cut = sum(one.get("finish", {}).get("length", 0) for one in drawn) / max(1, sum(one["samples"] for one in drawn))
    measured = _measured(settings, nodes.label, (pool, known), _thresholds(settings, nodes.name))
    counts: dict[str, Any] = {"k": nodes.label.K, "unlabeled": len(pool), "known": len(known)}
    return Outlook(nodes.name, nodes.teacher, nodes.note, cut=cut, **counts, **measured)


def fault_of(seen: Outlook, settings: Settings) -> UserError | None:
    """Return the reason not to run a study of the user's own questions; None where the base model can do them.

    The base is at the floor where none of its samples is right, or pass@K is surely below the outlook's own bound.
    """
    solved = round(seen.pass_at_k * seen.known)
    if settings.answers.truncated == "abstain" and seen.cut > MOST_CUT:
        caps = f"{settings.sampling.max_new_tokens} and {settings.evaluation.decoding.max_new_tokens}"
        return UserError(
            f"{100 * seen.cut:.0f} % of the base model's answers are cut off at max_new_tokens before they end.",
            why="A cut answer counts as none, so neither votes nor accuracies would mean anything.",
            do=f"Raise sampling.max_new_tokens and evaluation.decoding.max_new_tokens (now {caps}), ask for shorter "
            "answers in prompt.instruction, or run all the same with --anyway.",
            code="outlook-answers-cut",
        )
    if (seen.known >= LEAST_KNOWN and not solved) or wilson(solved, seen.known).high < LEAST_PASS_AT_K:
        return UserError(
            f"{settings.model.id} can hardly answer these questions: {solved} of {seen.known} have a right answer among"
            f" {seen.k} samples, {100 * seen.pass_at_1:.1f} % of single samples are right.",
            why="Votes of such a model are wrong nearly always, so no student can learn from them.",
            do="Start from a better base model (--model) or from easier questions, or run all the same with --anyway.",
            code="outlook-base-too-weak",
        )
    return None


def _measured(
    settings: Settings,
    label: LabelSettings,
    cast: tuple[Sequence[Vote], Sequence[tuple[Vote, str]]],
    thresholds: Sequence[float | None],
) -> dict[str, Any]:
    """The numbers and the advice, from the votes on unlabeled questions and those with their known answers."""
    pool, known = cast
    K, n, sizes = label.K, len(known), sizes_of(settings.data)
    group = min(settings.grpo.generations, K)
    rights = [sum(count for answer, count in vote.tally if same(answer, truth)) for vote, truth in known]
    won = [(vote.votes, same(vote.winner, truth)) for vote, truth in known if vote.winner is not None]
    at_level: dict[int, list[bool]] = {}
    for level, right in won:
        at_level.setdefault(level, []).append(right)
    levels = {level: LevelCounts(sum(found), len(found)) for level, found in at_level.items()}
    asked = max(1, round(sizes.unlabeled * label.share))
    prospect = Prospect(
        known=n,
        labeled=sizes.labeled - sizes.dev,
        pass_at_1=sum(rights) / (n * K),
        pass_at_k=sum(right > 0 for right in rights) / n,
        filters=tuple(_filter(least, pool, levels, k=K, asked=asked) for least in thresholds),
    )
    advice, reason, table = advise(prospect)
    return {
        "pass_at_1": prospect.pass_at_1,
        "pass_at_k": prospect.pass_at_k,
        "vote": sum(right for _, right in won) / n,
        "mixed": sum(mixed(right, K, group=group) for right in rights) / n,
        "group": group,
        "filters": tuple(map(asdict, prospect.filters)),
        "advice": advice,
        "reason": reason,
        "rules": tuple(map(asdict, table)),
    }


def mixed(right: int, k: int, *, group: int) -> float:
    """Return the chance that ``group`` of k samples, of which ``right`` are right, hold both kinds; over all subsets.

    >>> mixed(4, 8, group=8), mixed(8, 8, group=4), mixed(1, 2, group=2)
    (1.0, 0.0, 1.0)
    """
    return 1 - (comb(right, group) + comb(k - right, group)) / comb(k, group)


def _filter(least: float | None, pool: Sequence[Vote], levels: dict[int, LevelCounts], *, k: int, asked: int) -> Filter:
    needed = 1 if least is None else votes_needed(least, k)
    counts = Counter(vote.votes for vote in pool if vote.winner is not None and vote.votes >= needed)
    kept = counts.total()
    moved = transport(levels, counts)
    return Filter(
        min_agreement=least,
        coverage=kept / len(pool),
        coverage_interval=wilson(kept, len(pool)),
        precision=None if moved is None else moved.accuracy,
        se=None if moved is None else moved.se,
        labels=kept / len(pool) * asked,
    )


def _thresholds(settings: Settings, labels: str | None) -> list[float | None]:
    """All votes, and every share of K at which a condition selects from this set."""
    shares = {
        float(item.select["min_agreement"])
        for item in settings.conditions.values()
        if labels in item.label_names and "min_agreement" in item.select
    }
    return [None, *sorted(shares)]


def _label_set(settings: Settings) -> tuple[str | None, LabelSettings]:
    """The first set of votes on drawn samples; a set with default settings where the study has none.

    Sets of foreign questions are skipped, since dev does not predict their accuracy.
    """
    for name, label in settings.labels.items():
        if label.rule == "vote" and label.samples is None and label.part == "unlabeled":
            return name, label
    return None, LabelSettings()


def _teacher(graph: SeedGraph, label: LabelSettings, view: StoreView) -> tuple[str, Node | None, str | None]:
    """The model that is sampled: the teacher if it is untrained or trained already, else the untrained model."""
    name = label.teacher or graph.settings.teacher
    train = graph.trained(name) if name in graph.settings.conditions else None
    if train is None or view.outcome(train) == "done":
        return name, train, None
    return "the base model", None, f"{name} is not trained yet, so the untrained model was asked in its place."


def _counts(settings: Settings, *, trained: bool) -> dict[str, int]:
    """Questions by part; a trained teacher is judged on dev only, since it learned the labeled questions."""
    sizes = sizes_of(settings.data)
    dev = min(QUESTIONS, sizes.dev)
    labeled = 0 if trained else min(QUESTIONS - dev, sizes.labeled - sizes.dev)
    counts = {"unlabeled": min(QUESTIONS, sizes.unlabeled), "dev": dev, "labeled": labeled}
    return {part: count for part, count in counts.items() if count}


def vote_nodes(graph: SeedGraph, label: LabelSettings, model: SampledModel) -> dict[str, Node]:
    """Return the votes by part, all K samples drawn; a part that is asked in full has the study's own node."""
    decoding, votes = model.settings.sampling, specs.vote(graph.settings, label.K)
    nodes = {}
    for part, count in _counts(graph.settings, trained=model.train is not None).items():
        drawn = SampleRequest(part, decoding, k=label.K, count=count, shots=label.shots)
        title = f"outlook: vote of {label.K} by {model.name} on {part}"
        nodes[part] = graph.node("vote", votes, inputs={"samples": graph.samples(model, drawn)}, title=title)
    return nodes


def _settings_of(graph: SeedGraph, teacher: str) -> Settings:
    """The settings as the teacher's model has them; the base model in the place of one is the run's own."""
    return graph.settings_of(teacher) if teacher in graph.settings.conditions else graph.settings
