"""Outlook: its votes are nodes of the study wherever both ask the same questions."""

from __future__ import annotations

from noisy_student.study.forecast.outlook import vote_nodes
from noisy_student.study.plan.inputs import Inputs
from noisy_student.study.plan.samples import SampledModel
from noisy_student.study.plan.students import SeedGraph
from noisy_student.study.settings.files import Request, resolve


def keys(unlabeled: int) -> tuple[dict[str, str], dict[str, str]]:
    """The keys of votes by part: of the outlook, and of the study, for a teacher that is not trained."""
    settings = resolve(Request("teacher", overrides={"data.labeled": 200, "data.unlabeled": unlabeled}))
    graph, label = SeedGraph(settings, settings.seeds[0], Inputs(settings)), settings.labels["own"]
    outlook = vote_nodes(graph, label, SampledModel("base", None, settings))
    study = {part: graph.votes(label, part=part).key for part in ("unlabeled", "dev")}
    return {part: outlook[part].key for part in study}, study


def test_votes_on_whole_parts_are_the_nodes_of_the_plan() -> None:
    outlook, study = keys(150)
    assert outlook == study


def test_votes_on_a_part_of_a_larger_pool_are_nodes_of_their_own() -> None:
    outlook, study = keys(1000)
    assert outlook["dev"] == study["dev"]
    assert outlook["unlabeled"] != study["unlabeled"]
