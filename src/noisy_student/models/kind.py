"""Plain decoders: full attention with rotary positions, as in Llama, Qwen2 and Qwen3."""

from __future__ import annotations

from transformers import PreTrainedModel

KINDS = ("qwen2", "qwen3", "llama")
ROPES = ("default", "llama3", "linear", "yarn")
"""Rotary embeddings with angles that do not depend on the length of the text."""


def why_not(model: PreTrainedModel) -> str | None:
    """Return the reason why a model is not a plain decoder, None if it is; code written for those fits no other."""
    config = model.config
    kind = getattr(config, "model_type", "")
    if kind not in KINDS:
        return f"its architecture is {kind or 'not known'}"
    if getattr(config, "hidden_act", "silu") != "silu":
        return f"its activation is {config.hidden_act}"
    layers = set(getattr(config, "layer_types", None) or ())
    if layers - {"full_attention"}:
        return "it attends through a sliding window"
    rope = str((getattr(config, "rope_parameters", None) or {}).get("rope_type", "default"))
    if rope not in ROPES:
        return f"its rotary angles ({rope}) depend on the length of the text"
    return None
