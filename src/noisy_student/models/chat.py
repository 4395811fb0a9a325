"""The renderer of questions into token ids, for sampling and training alike.

A text from a dataset never becomes a control token: where the rendered ids hold other control tokens than the
template's own, the text is encoded apart, as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedTokenizerBase

from noisy_student.errors import UserError
from noisy_student.models.spec import PromptSpec
from noisy_student.models.template import MARK, render, special_ids, turn_end_id
from noisy_student.records import Question


@dataclass(frozen=True, slots=True)
class Shot:
    """A question with its worked solution, shown before another question as an example."""

    question: Question
    solution: str


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """Prompt and target as ids; ``completion_mask`` is 1 on the target and on the token that ends it."""

    ids: tuple[int, ...]
    completion_mask: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Frame:
    """Text of a prompt around its texts (one piece more than texts), its control tokens, and the trimmed sides."""

    pieces: tuple[str, ...]
    controls: tuple[int, ...]
    trims: tuple[bool, bool]


_TRIMS = ((False, False), (True, True), (True, False), (False, True))
"""Combinations of trimmed sides: the user's texts, the assistant's."""


class Renderer:
    """Encodes questions for one tokenizer by one prompt spec."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: PromptSpec | Mapping[str, Any]) -> None:
        """Render once to find the template's own control tokens; UserError where that fails."""
        self.prompt = PromptSpec.model_validate(prompt)
        self._tokenizer = tokenizer
        self._is_chat = self.prompt.style == "chat"
        added = {int(token): entry for token, entry in tokenizer.added_tokens_decoder.items()}
        added = {token: entry for token, entry in added.items() if len(entry.content) > 1 and entry.content.strip()}
        # Ids that steer the model: special and added tokens, but neither the unknown token nor single characters.
        self._control = frozenset((added.keys() | special_ids(tokenizer)) - {tokenizer.unk_token_id})
        self._controls_in_text = _pattern(str(tokenizer.convert_ids_to_tokens(token)) for token in self._control)
        # split_special_tokens spells out special tokens only; added ones that are not special must be cut by hand.
        self._cuts = _pattern(entry.content for entry in added.values() if not entry.special)
        # Raw text begins with the BOS that the tokenizer puts before it, if any.
        bos = tokenizer.bos_token_id
        raw_start = [] if self._is_chat else tokenizer.encode("", add_special_tokens=True)[:1]
        self._start: list[int] = raw_start if isinstance(bos, int) and raw_start == [bos] else []
        self.end_id = self._end_id()
        self._frames: dict[int, _Frame] = {}
        # An unusable template fails before any question is read.
        self._frame(0)

    def decode(self, token_ids: Sequence[int]) -> str:
        """Return the text of sampled ids without special tokens."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def encode(self, question: Question, shots: Sequence[Shot] = ()) -> list[int]:
        """Return the prompt's ids; equal to ``apply_chat_template`` for ordinary text.

        ``shots`` stand before the question: in chat as turns of both sides, in raw style as blocks of the same
        template with their solutions, a blank line between two.
        """
        frame = self._frame(len(shots))
        texts = [text for shot in shots for text in (self._content(shot.question), shot.solution)]
        texts.append(self._content(question))
        texts = [text.strip() if frame.trims[place % 2] else text for place, text in enumerate(texts)]
        ids = self._plain_ids("".join(map("".join, zip(frame.pieces, [*texts, ""], strict=True))))
        if tuple(self._controls(ids)) != frame.controls:
            ids = self._encode_apart(frame.pieces, texts)
        return self._start + ids

    def encode_example(self, question: Question, target: str) -> EncodedExample:
        """Return the ids of ``encode(question)``, the target and the end token; the last two are supervised."""
        start = self.encode(question)
        joint = self.prompt.joint if self.prompt.style == "raw" else ""
        rest = [*self._literal(joint + target), self.end_id]
        return EncodedExample((*start, *rest), (0,) * len(start) + (1,) * len(rest))

    def _content(self, question: Question) -> str:
        instruction = self.prompt.instruction
        if instruction and question.kind == "math":
            instruction = self.prompt.math_instruction
        return f"{question.text}\n{instruction}" if self._is_chat and instruction else question.text

    def _frame(self, shots: int) -> _Frame:
        """Return the frame of a question with this many shots.

        The template is rendered here only, with marks of ours: a program from elsewhere sees no question.
        """
        if shots not in self._frames:
            marks = [f"{MARK}{number}End" for number in range(2 * shots + 1)]
            pieces = _around(self._rendered(marks), marks)
            wide = _around(self._rendered([f" {mark} " for mark in marks]), marks)
            fitting = [trims for trims in _TRIMS if pieces and wide == _spaced(pieces, trims)]
            if not fitting:
                raise UserError(
                    "The chat template drops or changes the user's text.",
                    why="The question would not reach the model unchanged.",
                    do='Use prompt.style = "raw".',
                    code="chat-template-unusable",
                )
            controls = self._controls(self._plain_ids("".join(pieces)))
            self._frames[shots] = _Frame(tuple(pieces), tuple(controls), fitting[0])
        return self._frames[shots]

    def _rendered(self, texts: Sequence[str]) -> str:
        """Render questions and solutions in turn, the last a question."""
        if not self._is_chat:
            blocks = [self.prompt.template.replace("{question}", text) for text in texts[::2]]
            solved = [f"{block}{self.prompt.joint}{text}" for block, text in zip(blocks, texts[1::2], strict=False)]
            return "\n\n".join([*solved, blocks[-1]])
        roles = ("user", "assistant")
        turns = [{"role": roles[place % 2], "content": text} for place, text in enumerate(texts)]
        if self.prompt.system is not None:
            turns.insert(0, {"role": "system", "content": self.prompt.system})
        more = {} if self.prompt.thinking == "template" else {"enable_thinking": False}
        return render(self._tokenizer, turns, open_answer=True, variables=more, date=self.prompt.date)

    def _plain_ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _controls(self, ids: list[int]) -> list[int]:
        return [token for token in ids if token in self._control]

    def _encode_apart(self, pieces: Sequence[str], texts: Sequence[str]) -> list[int]:
        """Encode each piece of the template from its first to its last control token, all between as plain text."""
        ids: list[int] = []
        literal = ""
        for place, (piece, text) in enumerate(zip(pieces, [*texts, ""], strict=True)):
            cuts = list(self._controls_in_text.finditer(piece))
            # What the template begins and ends with is its own, with control tokens or without.
            start = 0 if not place else cuts[0].start() if cuts else len(piece)
            end = len(piece) if place == len(texts) else cuts[-1].end() if cuts else start
            literal += piece[:start]
            if start < end:
                ids += self._literal(literal) + self._plain_ids(piece[start:end])
                literal = ""
            literal += piece[end:] + text
        return ids + self._literal(literal)

    def _literal(self, text: str) -> list[int]:
        """Encode ``text`` with every control token in it spelled out as ordinary characters."""
        ids: list[int] = []
        while text:
            # Cut inside every match, so that no piece holds one.
            found = self._cuts.search(text)
            end = found.start() + 1 if found else len(text)
            ids += self._tokenizer.encode(text[:end], add_special_tokens=False, split_special_tokens=True)
            text = text[end:]
        if self._controls(ids):
            raise UserError(
                "A text holds a control token that this tokenizer cannot write as plain text.",
                why="The model would read it as the end or start of a turn.",
                do="Remove it from the data.",
                code="control-token-in-text",
            )
        return ids

    def _end_id(self) -> int:
        eos = self._tokenizer.eos_token_id
        end = turn_end_id(self._tokenizer) if self._is_chat else eos if isinstance(eos, int) else None
        if self._is_chat and not self._tokenizer.chat_template:
            raise UserError(
                "The tokenizer has no chat template.",
                why="prompt.style is chat.",
                do='Set prompt.style = "raw".',
                code="chat-template-missing",
            )
        if end is None:
            raise UserError(
                "The tokenizer has no EOS token.",
                why="Training could not teach the model to stop.",
                do="Set eos_token in tokenizer_config.json.",
                code="end-token-missing",
            )
        return end


def _around(text: str, marks: Sequence[str]) -> list[str]:
    """Return the text before, between and after the marks; empty if one is missing, out of order or repeated."""
    pieces: list[str] = []
    for mark in marks:
        before, found, text = text.partition(mark)
        if not found:
            return []
        pieces.append(before)
    return [] if any(MARK in piece for piece in [*pieces, text]) else [*pieces, text]


def _spaced(pieces: Sequence[str], trims: Sequence[bool]) -> list[str]:
    """Return the pieces around texts with a space at both ends, which the sides in ``trims`` lose."""
    ends = ["" if trims[place % 2] else " " for place in range(len(pieces) - 1)]
    return [before + piece + after for before, piece, after in zip(["", *ends], pieces, [*ends, ""], strict=True)]


def _pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Match any of the names, a longer one first; without names nothing."""
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, ordered)) or "(?!)")
