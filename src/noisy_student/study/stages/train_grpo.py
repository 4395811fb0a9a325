"""Labels and a model → a student trained by GRPO, as a folder for ``from_pretrained``, and its groups of answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from noisy_student import files
from noisy_student.context import Context, Inputs, Spec
from noisy_student.data.rows import read_asked, read_labels, read_learned, read_questions
from noisy_student.labeling.shuffle import others_answers
from noisy_student.labeling.vote import winner_of
from noisy_student.models.chat import Renderer
from noisy_student.sampling.engine import Decoding, Drawn, Prompts, RowSeeds
from noisy_student.sampling.torch_engine import TorchEngine
from noisy_student.study.stages.loading import load_copy, load_model, start
from noisy_student.study.stages.saving import save_student
from noisy_student.training.grpo.rl_examples import RlExamples, rl_examples
from noisy_student.training.grpo.rollouts import DrawRows, RolloutInputs
from noisy_student.training.grpo.train import GrpoResult, train
from noisy_student.training.measurements import kinds, reward_bits
from noisy_student.training.specs.grpo import GrpoSpec
from noisy_student.training.specs.health import HealthSpec
from noisy_student.training.student import trainable, with_adapter

LIBRARIES = ("torch", "transformers", "trl", "accelerate", "tokenizers", "peft")
WEIGHT = 30.0


def run(spec: Spec, inputs: Inputs, context: Context) -> dict[str, Any]:
    """Write ``model/``, ``groups.jsonl`` and, for a probe, ``probe.json``; curves, in seconds, go beside the data."""
    grpo, begin = GrpoSpec.model_validate(spec["grpo"]), start(spec, inputs)
    # Under an adapter the model is its own reference, so no copy is written.
    if spec.get("lora") is not None:
        loaded = load_model(spec, begin, threads=grpo.threads)
    else:
        loaded = load_copy(spec, begin, context, threads=grpo.threads)
    renderer = Renderer(loaded.tokenizer, spec["prompt"])
    split = inputs["split"][0]
    health = HealthSpec.model_validate(spec["health"])
    dev = {label.question_id: label.answer for label in read_labels(split / "dev_gold.jsonl")[: health.dev]}
    questions = read_asked(split) + [each for each in read_questions(split / "dev.jsonl") if each.id in dev]
    prompts = {question.id: renderer.encode(question) for question in questions}
    room = int(getattr(loaded.model.config, "max_position_embeddings", 1 << 30)) - grpo.max_new_tokens
    labels = read_learned(inputs)
    moved = others_answers(labels, run_seed=spec["seed"]) if spec.get("shuffle") == "labels" else None
    labels = labels if moved is None else list(moved.labels)
    fits = {name for name, prompt in prompts.items() if len(prompt) <= room}
    learned_from = rl_examples(labels, fits=fits)
    gold = {label.question_id for label in labels if label.origin == "gold"}
    unreadable, beyond = gold & set(learned_from.unreadable), gold & set(learned_from.too_long)
    rollout_inputs = RolloutInputs(
        prompts=prompts,
        labels={label.question_id: label for label in learned_from.labels},
        draw=draw_rows(grpo, renderer.decode, stop_ids=loaded.stop_ids, pad_id=loaded.pad_id, width=spec["width"]),
        decode=renderer.decode,
        revote=partial(winner_of, ties=spec["answers"]["ties"]),
        truncated=spec["answers"]["truncated"],
        kinds={question.id: question.kind for question in questions if question.kind != "number"},
        dev={name: answer for name, answer in dev.items() if name in fits},
        unreadable_gold=len(unreadable),
    )
    whole = loaded.model.num_parameters()
    student = with_adapter(loaded, spec)
    numbers = trainable(student.model)
    result = train(student, rollout_inputs, spec=grpo, health=health, seed=spec["seed"], context=context)
    files.write_jsonl(context.data / "groups.jsonl", map(asdict, result.groups))
    probe: dict[str, Any] = {}
    if grpo.probe is not None:
        held = all(item.held for item in result.criteria)
        probe = {"held": held, "steps": result.steps, "criteria": [asdict(item) for item in result.criteria]}
        files.write_json(context.data / "probe.json", probe)
    return {
        "digest": save_student(student, spec["grpo"], spec, inputs, context),
        **({"probe": probe} if probe else {}),
        "parameters": whole,
        "trainable_parameters": numbers,
        **({} if moved is None else {"shuffled": moved.shuffled, "equal": moved.equal}),
        **_summary(result, learned_from),
        "gold": {"questions": len(gold), "unreadable": len(unreadable), "too_long": len(beyond - unreadable)},
    }


def draw_rows(
    grpo: GrpoSpec, decode: Callable[[Sequence[int]], str], *, stop_ids: Iterable[int], pad_id: int, width: int
) -> DrawRows:
    """Return a function that samples with the current weights: a new engine at each call."""
    decoding = Decoding(temperature=grpo.temperature, max_new_tokens=grpo.max_new_tokens, stop_at_answer=False)

    def draw(model: Any, prompts: Prompts, row_seeds: RowSeeds, check: Callable[[], None]) -> Drawn:
        engine = TorchEngine(model, stop_ids=stop_ids, pad_id=pad_id, decode=decode, check=check, width=width)
        return engine.draw(prompts, row_seeds, decoding)

    return draw


def _summary(result: GrpoResult, learned_from: RlExamples) -> dict[str, Any]:
    """Return sums over all steps; episodes are visits of a question, by the origin of its label."""
    origins = [group.origin for group in result.groups]
    totals = {
        name: sum(fact.get(name, 0) for fact in result.facts)
        for name in ("prompt_tokens", "sampled_tokens", "trained_tokens", "read_tokens", "scored_tokens", "replaced")
    }
    return {
        "examples": len({group.question_id for group in result.groups}),
        "lessons": len(learned_from.labels),
        "unreadable": len(learned_from.unreadable),
        "too_long": len(learned_from.too_long),
        "steps": result.steps,
        "gold_episodes": origins.count("gold"),
        "pseudo_episodes": origins.count("vote"),
        "revealed_episodes": origins.count("revealed"),
        "groups": kinds(result.groups),
        "reward_bits": reward_bits(result.groups),
        "resumed_at_steps": list(result.resumed_at_steps),
        **totals,
    }
