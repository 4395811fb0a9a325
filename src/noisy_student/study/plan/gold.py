"""Gold that fine-tuning will leave out, counted from the data and the tokenizer before anything is computed."""

from __future__ import annotations

from dataclasses import dataclass

from noisy_student.data.parts import parts
from noisy_student.data.source import Item
from noisy_student.models.availability import local
from noisy_student.models.spec import ModelSpec, PromptSpec
from noisy_student.pipeline.node import parents_first
from noisy_student.study.plan.inputs import variant
from noisy_student.study.plan.plan import Plan
from noisy_student.study.settings.conditions import GOLD, TextCondition


@dataclass(frozen=True, slots=True)
class GoldAhead:
    """Gold of the first seed for the conditions that share model, prompt and limit; ``longest`` is in tokens."""

    conditions: tuple[str, ...]
    questions: int
    too_long: int
    without_text: int
    max_length: int
    longest: int

    @property
    def words(self) -> str:
        """Return what will be left out and what to do in one sentence, empty where nothing is."""
        who = f"{', '.join(self.conditions)}: of {self.questions} gold examples"
        found = []
        if self.too_long:
            found.append(
                f"{who} {self.too_long} are longer than sft.max_length = {self.max_length} tokens, and training leaves "
                f"them out; the longest has {self.longest} (--set sft.max_length={self.longest} keeps all)."
            )
        if self.without_text:
            found.append(
                f"{who} {self.without_text} have no worked text: students learn from a sample of the base model that "
                "reaches the answer, and without one the example is left out."
            )
        return " ".join(found)


def gold_ahead(planned: Plan) -> list[GoldAhead]:
    """Return the gold of the user's own data by model and limit; empty where no tokenizer is on this machine.

    A GGUF file is not counted, since its tokenizer can be read only after a conversion that takes minutes.
    """
    settings = planned.settings
    split = next((node for node in parents_first(planned.targets) if node.stage == "split" and node.paths), None)
    if not settings.own_data or split is None or split.seed is None:
        return []
    items = parts(settings.data, run_seed=split.seed, paths=split.paths).labeled
    grouped: dict[tuple[ModelSpec, PromptSpec, int], list[str]] = {}
    for name, condition in settings.conditions.items():
        if isinstance(condition, TextCondition) and GOLD in condition.train:
            own = variant(settings, condition.model)
            limit = getattr(own.training_spec(condition, name), "max_length", None)
            if limit is not None:
                grouped.setdefault((own.model, own.prompt, limit), []).append(name)
    return [
        ahead
        for (model, prompt, limit), names in grouped.items()
        if (ahead := _counted(items, model, prompt, limit, tuple(names))) is not None
    ]


def _counted(
    items: tuple[Item, ...], model: ModelSpec, prompt: PromptSpec, limit: int, names: tuple[str, ...]
) -> GoldAhead | None:
    folder = local(model)
    if folder is None or not folder.is_dir():
        return None
    # Loading a tokenizer imports torch, which the plan of a lab study does not need.
    from noisy_student.study.stages.loading import renderer

    render = renderer(folder, prompt)
    lengths = [len(render.encode_example(i.question, i.solution).ids) for i in items if i.solution is not None]
    return GoldAhead(
        names,
        questions=len(items),
        too_long=sum(length > limit for length in lengths),
        without_text=len(items) - len(lengths),
        max_length=limit,
        longest=max(lengths, default=0),
    )
