"""Models of the files in a run's folder: ``results.json`` and ``curves.json``, as any version has written them.

Every field may be missing, since a partial run lacks some and an older version others; a field that is there has the
type that readers rely on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from noisy_student import documents
from noisy_student.documents import Count, Document, Time
from noisy_student.errors import UserError

RESULTS, CURVES = "results.json", "curves.json"

Text = str | None
Number = float | None
Whole = Count | None
Votes = Annotated[int, Field(ge=0, le=10_000)]
"""Samples of one question, and votes among them."""


class Row(Document):
    """A row of any table of the results: a field has one type in all of them."""

    name: Text = None
    a: Text = None
    b: Text = None
    because: Text = None
    check: Text = None
    condition: Text = None
    control_of: Text = None
    detail: Text = None
    expected: Text = None
    family: Text = None
    graded_on: Text = None
    kind: Text = None
    labels: Text = None
    measure: Text = None
    measured: Text = None
    method: Text = None
    outcome: Text = None
    reason: Text = None
    remedy: Text = None
    source: Text = None
    stage: Text = None
    status: Text = None
    stopping: Text = None
    taken: Text = None
    teacher: Text = None
    then: Text = None
    threshold: Text = None
    unit: Text = None
    verdict: Text = None
    waived: Text = None
    above: Number = None
    abstained: Number = None
    accepted: Number = None
    accuracy: Number = None
    actual_cpu_seconds: Number = None
    agreement: Number = None
    below: Number = None
    coverage: Number = None
    cpu_seconds: Number = None
    difference: Number = None
    estimate: Number = None
    flops: Number = None
    format: Number = None
    gold_episodes: Number = None
    label_accuracy: Number = None
    learning_rate: Number = None
    margin: Number = None
    mde: Number = None
    p_adjusted: Number = None
    p_value: Number = None
    p_worse: Number = None
    precision: Number = None
    prompt_tokens: Number = None
    pseudo_episodes: Number = None
    ratio: Number = None
    reasoning: Number = None
    revealed_episodes: Number = None
    reward_bits: Number = None
    right: Number = None
    sampled_accuracy: Number = None
    sampled_tokens: Number = None
    samples: Number = None
    samples_per_label: Number = None
    seconds: Number = None
    single_accuracy: Number = None
    steps: Number = None
    stop_rate: Number = None
    strict_accuracy: Number = None
    temperature: Number = None
    tie_rate: Number = None
    tokens: Number = None
    tokens_per_label: Number = None
    trainable_parameters: Number = None
    trained_on: Number = None
    trained_tokens: Number = None
    truncated: Number = None
    usd: Number = None
    wall_seconds: Number = None
    added: Whole = None
    calls: Whole = None
    correct: Whole = None
    flipped: Whole = None
    k: Votes | None = None
    mended: Whole = None
    n: Whole = None
    nodes: Whole = None
    questions: Whole = None
    seed: int | None = None
    seeds: Whole = None
    selected: Whole = None
    spoiled: Whole = None
    votes: Votes | None = None
    without_estimate: Whole = None
    beaten: bool | None = None
    holds: bool | None = None
    primary: bool | None = None
    interval: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    learns_from: list[str] | None = None
    value: float | str | None = None


class Tried(Document):
    """A learning rate that was tried on dev."""

    rate: float
    n: Annotated[int, Field(ge=1, le=10**12)]
    right: Whole


class Diagnosis(Document):
    """A finding of a health check."""

    step: Count
    name: str
    evidence: str
    cause: str
    remedy: str


class Health(Document):
    """The health checks of a training."""

    looks: list[Count]
    found: list[Diagnosis]
    misleading: list[str]


class Group(Document):
    """A kind of group of completions with its number."""

    origin: str
    label: str
    kind: str
    groups: Count


class GroupQuality(Document):
    """The groups of one GRPO student."""

    groups: list[Group] | None = None


class ConditionRow(Row):
    """A condition and seed."""

    tried: list[Tried] | None = None
    health: Health | None = None
    group_quality: GroupQuality | None = None


class Level(Row):
    """The questions of one number of votes."""

    votes: Votes


class OnDev(Row):
    """The accuracy of votes on dev questions."""

    questions: Whole
    accuracy: Number
    single_accuracy: Number
    interval: Annotated[list[float], Field(min_length=2, max_length=2)]


class LabelRow(Row):
    """A set of votes and its seed; ``curve`` has pairs of k and accuracy."""

    k: Annotated[int, Field(ge=1, le=10_000)] | None = None
    curve: list[Annotated[list[Annotated[float, Field(ge=0, le=1e4)]], Field(min_length=2, max_length=2)]] | None = None
    by_level: list[Level] | None = None
    on_dev: OnDev | None = None


class Rule(Row):
    """A row of the decision tree."""

    if_: Text = Field(default=None, alias="if")


class Decision(Row):
    """The decision of a study."""

    rows: list[Rule] | None = None


class Criterion(Row):
    """A criterion of a probe."""

    value: Any = None
    held: bool


class Rung(Row):
    """One probe."""

    name: str
    status: str
    criteria: list[Criterion]
    metrics: dict[str, Number]


class Ladder(Document):
    """The probes of one seed."""

    seed: int
    rungs: list[Rung]
    before: Text
    after: Text
    held: Text
    recommended: list[str] | None


class Alarm(Document):
    """A change that a review warns of."""

    name: str
    before: float
    now: float


class RoundRow(Row):
    """A round of self-training."""

    alarms: list[Alarm] | None = None
    before: Row | None = None
    now: Row | None = None
    lineage: Row | None = None


class Point(Document):
    """Shares of questions at one k."""

    k: Votes
    pass_: float = Field(alias="pass")
    maj: float


class PassCurve(Document):
    """The points of a condition and seed."""

    condition: str
    seed: int
    questions: Count
    k: Votes
    points: list[Point]


class Gain(Row):
    """The gains of a pair of conditions."""

    one: Row
    many: Row


class Passes(Document):
    """Curves and gains of pass@k."""

    curves: list[PassCurve] | None = None
    gains: list[Gain] | None = None


class Costs(Document):
    """Costs by stage, and their sum."""

    stages: list[Row] | None = None
    totals: Row | None = None


class Forecast(Row):
    """Forecast and actual times of all stages."""

    stages: list[Row] | None = None


class Compute(Document):
    """The machine of a run."""

    workers: Annotated[int, Field(ge=1)] = 1
    usd_per_hour: Number = None


class RunSettings(Document):
    """What readers use of the settings; a run can be repeated from its study file, not from here."""

    compute: Compute | None = None
    grpo: dict[str, Any] | None = None
    labels: dict[str, dict[str, Any]] | None = None
    data: dict[str, Any] | None = None


class Results(Document):
    """``results.json``."""

    do: ClassVar[str] = "Run its study again: stored results are only read, and the file is written anew."

    schema_: int | None = Field(default=None, alias="schema")
    study: Text = None
    question: Text = None
    scale: Text = None
    protocol: Text = None
    model: Text = None
    data: dict[str, Any] | str | None = None
    seeds: list[int] | None = None
    status: Text = None
    digest: Text = None
    command: Text = None
    run_dir: Text = None
    machine: Text = None
    seconds: Time | None = None
    versions: dict[str, str | None] | None = None
    preflight: list[Row] | None = None
    conditions: list[ConditionRow] | None = None
    labels: list[LabelRow] | None = None
    findings: list[Row] | None = None
    criteria: list[Row] | None = None
    ladder: list[Ladder] | None = None
    rounds: list[RoundRow] | None = None
    passes: Passes | None = None
    gap_recovered: list[Row] | None = None
    selections: list[Row] | None = None
    predictions: list[Row] | None = None
    costs: Costs | None = None
    notes: list[str] | None = None
    settings: RunSettings | None = None
    forecast: Forecast | None = None
    decision: Decision | None = None


class CurvePoint(Document):
    """A logged step of a training."""

    step: Annotated[float, Field(ge=0, le=1e12)]
    loss: Number = None
    reward: Number = None
    right: Number = None
    mixed: Number = None
    kl: Number = None
    mean_length: Number = None
    stopped: Number = None
    dev: Number = None
    found: list[str] | None = None


class Curves(Document):
    """``curves.json``: the points of each student, under a name of our own."""

    do: ClassVar[str] = Results.do

    curves: dict[str, list[CurvePoint]]


class _Identity(Document):
    digest: Text = None


def read_results(path: Path) -> dict[str, Any]:
    """Read a ``results.json``; raises UserError with file and field if it does not fit, OSError if it is missing."""
    value = documents.read_plain(path, Results)
    documents.fitted(value, Results, place=str(path))
    found: dict[str, Any] = value
    return found


def read_curves(path: Path) -> dict[str, list[dict[str, Any]]]:
    """Read a ``curves.json``; raises as ``read_results`` does."""
    value = documents.read_plain(path, Curves)
    documents.fitted({"curves": value}, Curves, place=str(path))
    found: dict[str, list[dict[str, Any]]] = value
    return found


def digests(
    runs: Iterable[Path],
    left_out: Callable[[UserError], None],
    *,
    pattern: str = "*",
    skipped: Collection[Path] = (),
) -> dict[str, Path]:
    """Return the folder of every run below the folders ``runs``, by the run's digest; sorted, the first of equal ones.

    ``pattern`` selects folders by name, without the ``skipped``. Only the digest is compared with its type, so other
    odd fields do no harm. ``left_out`` receives the error of an unreadable file.
    """
    found: dict[str, Path] = {}
    paths = (path for folder in sorted(runs) for path in sorted(folder.glob(f"{pattern}/{RESULTS}")))
    wanted = (path for path in paths if path.parent not in skipped)
    for path, identity in documents.read_each(wanted, _Identity, left_out):
        if identity.digest is not None:
            found.setdefault(identity.digest, path.parent)
    return found
