"""Papers of a student that is handed over: its model card, the line that loads it, its base's license; no torch.

They are made beside the stored result, which holds no path and no text that a key does not cover.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noisy_student import files
from noisy_student.models.folder import own_file, stored_dtype

CARD, ADAPTER = "README.md", "adapter_config.json"
_LEGAL = ("licen[cs]e*", "notice*", "copying*", "use_policy*")
_LEGAL_MOST = 1 << 20
_PLAIN = re.compile(r"[\w. -]{1,100}")
_OF_MODELS = (".json", ".safetensors", ".bin", ".jinja", ".model", ".py", ".gguf")
"""Bytes of the longest legal file that is copied; GPL 3 has 35,000."""
_METHODS = {
    "sft": ("Trained by supervised fine-tuning (TRL's SFTTrainer)", "examples"),
    "grpo": ("Trained by GRPO (TRL's GRPOTrainer)", "questions"),
}
"""Methods of training, and of what they read a number."""
_FIELD = re.compile(r"^(license|license_name|license_link):[ \t]*([^\r\n]{1,200})$", re.MULTILINE)
_MARKUP = frozenset("<>[]`")
_HEAD = 1 << 16
"""Bytes of a base's card that are read; its fields stand at the beginning."""


@dataclass(frozen=True, slots=True)
class Base:
    """A student's base: its name for readers, its hub id if it has one, and the local folder of its files if known."""

    name: str
    hub: str | None = None
    folder: Path | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True)
class Student:
    """A student for its card: the name of its folder, its title, and spec and summary of its training."""

    name: str
    title: str
    spec: Mapping[str, Any]
    summary: Mapping[str, Any]


def base_of(model: Mapping[str, Any], path: str, *, name: str) -> Base:
    """Return the base of a training with this ``model`` spec and path of the base: a folder, a file or a hub id.

    ``name`` is the id in the settings; of a path it keeps the last part, since a card may be published.
    """
    hub, folder = model.get("hub"), Path(path)
    if hub is None:
        digest = model.get("digest") or model.get("gguf")
        return Base(Path(name).name, None, folder if folder.is_dir() else None, digest)
    # The hub's client takes half a second to import, and most bases are folders.
    from huggingface_hub import snapshot_download

    try:
        return Base(hub, hub, Path(snapshot_download(hub, revision=model.get("revision"), local_files_only=True)))
    except (OSError, ValueError):
        return Base(hub, hub)


def loading_line(folder: Path) -> str:
    """Return the expression that loads the model in ``folder`` with the stop ids that it learned.

    An adapter is loaded into its base, whose own generation config may lack the token that ends a turn.
    """
    path = json.dumps(str(folder), ensure_ascii=False)
    ends = f", generation_config=GenerationConfig.from_pretrained({path})" if (folder / ADAPTER).exists() else ""
    return f"AutoModelForCausalLM.from_pretrained({path}{ends})"


def add_papers(folder: Path, base: Base, student: Student) -> None:
    """Write the card into the folder of a student, and copy the legal files of its base."""
    legal = [] if base.folder is None else list(_legal(base.folder))
    for path in legal:
        shutil.copyfile(path, folder / path.name)
    text = _card(folder, base, student, [path.name for path in legal])
    files.write_bytes(folder / CARD, text.encode())


def _legal(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        named = any(Path(path.name.lower()).match(pattern) for pattern in _LEGAL)
        # The card quotes the name, and files of a model are not legal ones.
        named = named and _PLAIN.fullmatch(path.name) is not None and path.suffix.lower() not in _OF_MODELS
        if named and own_file(path, folder) and path.stat().st_size <= _LEGAL_MOST:
            yield path


def _license(folder: Path | None) -> dict[str, str]:
    """The fields on the license at the head of the base's card."""
    if folder is None or not own_file(folder / CARD, folder):
        return {}
    with (folder / CARD).open("rb") as file:
        head = file.read(_HEAD).decode(errors="replace").replace("\r\n", "\n")
    parts = head.split("\n---", 1)
    if not head.startswith("---\n") or len(parts) < 2:
        return {}
    found = {name: value.split(" #")[0].strip().strip("\"'") for name, value in _FIELD.findall(parts[0])}
    # The card is Markdown, and these words come from elsewhere.
    return {name: value for name, value in found.items() if value.isprintable() and value and not set(value) & _MARKUP}


def _card(folder: Path, base: Base, student: Student, legal: list[str]) -> str:
    adapter = (folder / ADAPTER).exists()
    terms = _license(base.folder)
    if legal and not terms:
        terms = {"license": "other", "license_link": legal[0]}
    head = {
        **({} if base.hub is None else {"base_model": base.hub}),
        "base_model_relation": "adapter" if adapter else "finetune",
        **terms,
        "library_name": "peft" if adapter else "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["noisy-student"],
    }
    reader = " (and peft, which reads the base's path from `adapter_config.json`)" if adapter else ""
    own, short = (json.dumps(text, ensure_ascii=False) for text in (str(folder), student.name))
    # A JSON value is a YAML value.
    fields = "\n".join(f"{name}: {json.dumps(value, ensure_ascii=False)}" for name, value in head.items())
    return f"""---
{fields}
---
# {student.title}

Base: `{base.name}`{f" (digest {base.digest[:16]})" if base.digest else ""}. {_terms(terms, legal)}

{_training(folder, base, student.spec, student.summary)}

## Loading

The lines are the same for transformers 4.57 and 5{reader}.
With 4.57 add `dtype="auto"` to keep the type of the weights.

```python
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

tokenizer = AutoTokenizer.from_pretrained({short})
model = {loading_line(folder).replace(own, short)}
```

{_asking(student.spec["prompt"])}
"""


def _terms(terms: Mapping[str, str], legal: list[str]) -> str:
    beside = f"{', '.join(f'`{name}`' for name in legal)} beside this card" if legal else ""
    named = terms.get("license_name") or terms.get("license")
    if named and named != "other":
        return f"The base's license is {named}{f' ({beside})' if beside else ''}; it holds for this student too."
    if beside:
        return f"The base's license is in {beside}; it holds for this student too."
    return "The base's files name no license: look it up at the base's source before you pass this student on."


def _training(folder: Path, base: Base, spec: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """How the student was made, and the type of its weights."""
    method = next((name for name in _METHODS if name in spec), "")
    said, read = _METHODS.get(method, ("Trained by a plug-in", "examples"))
    rate, lora = spec.get(method, {}).get("learning_rate"), spec.get("lora")
    facts = [
        said,
        *(f"{summary[name]} {word}" for name, word in (("examples", read), ("steps", "steps")) if name in summary),
        *([] if rate is None else [f"peak learning rate {rate:g}"]),
        *(
            []
            if lora is None
            else [f"a LoRA adapter of rank {lora['rank']}{', merged into the weights' * lora['merge']}"]
        ),
    ]
    text = f"{', '.join(facts)}, seed {spec['seed']}. Made with noisy-student."
    own, before = stored_dtype(folder), None if base.folder is None else stored_dtype(base.folder)
    if own is None or (folder / ADAPTER).exists():
        return text
    differs = f", as trained; the base's are {before}, so the files differ in size" if before not in (None, own) else ""
    return f"{text} Weights: {own}{differs}."


def _asking(prompt: Mapping[str, Any]) -> str:
    """The form of the prompts in training."""
    if prompt["style"] == "raw":
        return f"Prompts in training had this form:\n\n```text\n{prompt['template']}\n```"
    wish = f', and on the next line "{prompt["instruction"]}"' if prompt.get("instruction") else ""
    return f"Prompts in training: the tokenizer's chat template, a user's turn with the question{wish}."
