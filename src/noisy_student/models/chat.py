"""The one renderer: a question in, token ids out, for sampling and training alike.

A prompt's ids are the same wherever it is used, and a text from a dataset can never become a control token: when
the rendered ids hold another control token than the template's own, the text is encoded apart as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from noisy_student.errors import UserError
from noisy_student.models import stop
from noisy_student.models.spec import PromptSpec
from noisy_student.models.template import MARK, render
from noisy_student.records import Question


@dataclass(frozen=True, slots=True)
class EncodedExample:
    """Prompt and target as ids; ``completion_mask`` is 1 on the target and on the token that ends it."""

    ids: tuple[int, ...]
    completion_mask: tuple[int, ...]


class Renderer:
    """Puts questions to one tokenizer in the way of one prompt spec."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: PromptSpec) -> None:
        """Render once to learn the template's own control tokens; UserError where that fails."""
        self.prompt = prompt
        self._tokenizer = tokenizer
        self._control = _control_ids(tokenizer)
        self._cuts = _cut_pattern(tokenizer)
        self._start = _bos(tokenizer) if prompt.style == "raw" else []
        self.end_id = self._end_id()
        self._before, self._after, self._trims = self._learn()
        self._own_controls = self._controls(self._plain_ids(self._before + self._after))

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of drawn ids, special tokens left out."""
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))

    def encode(self, question: Question) -> list[int]:
        """The ids the model reads before it answers; equal to ``apply_chat_template`` for ordinary text."""
        content = self._content(question)
        ids = self._plain_ids(self._text(content))
        if self._controls(ids) != self._own_controls:
            ids = self._encode_apart(content)
        return self._start + ids

    def encode_example(self, question: Question, target: str) -> EncodedExample:
        """The ids of ``encode(question)``, then the target's, then the end token; the last two are supervised."""
        start = self.encode(question)
        joint = self.prompt.joint if self.prompt.style == "raw" else ""
        rest = [*self._literal(joint + target), self.end_id]
        return EncodedExample((*start, *rest), (0,) * len(start) + (1,) * len(rest))

    def _content(self, question: Question) -> str:
        instruction = self.prompt.instruction
        if instruction and question.kind == "math":
            instruction = self.prompt.math_instruction
        return f"{question.text}\n{instruction}" if self._is_chat and instruction else question.text

    @property
    def _is_chat(self) -> bool:
        return self.prompt.style == "chat"

    def _learn(self) -> tuple[str, str, bool]:
        """What the template writes before and after the user's text, and whether it trims that.

        It is rendered here only, with words of ours: a program from elsewhere gets no question to look at.
        """
        before, mark, after = self._rendered(MARK).partition(MARK)
        wide = self._rendered(f" {MARK} ")
        if not mark or wide not in (f"{before} {MARK} {after}", f"{before}{MARK}{after}"):
            raise UserError(
                "The chat template leaves the user's text out, or changes it.",
                why="The question would not reach the model as it is.",
                do='Use prompt.style = "raw".',
            )
        return before, after, wide == f"{before}{MARK}{after}"

    def _text(self, content: str) -> str:
        """The whole prompt as text, with ``content`` in the user's place."""
        return f"{self._before}{content.strip() if self._trims else content}{self._after}"

    def _rendered(self, content: str) -> str:
        if not self._is_chat:
            return self.prompt.template.replace("{question}", content)
        turns = [{"role": "user", "content": content}]
        if self.prompt.system is not None:
            turns.insert(0, {"role": "system", "content": self.prompt.system})
        more = {} if self.prompt.thinking == "template" else {"enable_thinking": False}
        return render(self._tokenizer, turns, open_answer=True, variables=more)

    def _plain_ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False))

    def _controls(self, ids: list[int]) -> list[int]:
        return [token for token in ids if token in self._control]

    def _encode_apart(self, content: str) -> list[int]:
        """The template's ends by the tokenizer, all between its last and first control token as literal text."""
        before, head = self._split_after_last_control(self._before)
        tail, after = self._split_before_first_control(self._after)
        return self._plain_ids(before) + self._literal(head + content + tail) + self._plain_ids(after)

    def _literal(self, text: str) -> list[int]:
        """The ids of ``text`` with every control token in it spelled out as ordinary characters."""
        ids: list[int] = []
        for piece in _pieces(text, self._cuts):
            ids += self._tokenizer.encode(piece, add_special_tokens=False, split_special_tokens=True)
        if self._controls(ids):
            raise UserError(
                "A text holds a control token that this tokenizer cannot write as plain text.",
                why="It would change who seems to speak.",
                do="Remove it from the data.",
            )
        return ids

    def _split_after_last_control(self, text: str) -> tuple[str, str]:
        cut = max((found.end() for found in self._cut_all(text)), default=0)
        return text[:cut], text[cut:]

    def _split_before_first_control(self, text: str) -> tuple[str, str]:
        cut = min((found.start() for found in self._cut_all(text)), default=len(text))
        return text[:cut], text[cut:]

    def _cut_all(self, text: str) -> list[re.Match[str]]:
        names = [str(self._tokenizer.convert_ids_to_tokens(token)) for token in self._control]
        pattern = _pattern(names)
        return list(pattern.finditer(text)) if pattern else []

    def _end_id(self) -> int:
        eos = self._tokenizer.eos_token_id
        end = stop.turn_end_id(self._tokenizer) if self._is_chat else eos if isinstance(eos, int) else None
        if self._is_chat and not self._tokenizer.chat_template:
            raise UserError(
                "The tokenizer has no chat template.", why="The prompt's style is chat.", do='Set prompt.style = "raw".'
            )
        if end is None:
            raise UserError(
                "The tokenizer has no EOS token.", why="Nothing would teach the model to stop.", do="Set eos_token."
            )
        return end


def _control_ids(tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:
    """Ids that steer the model: special and added tokens, but neither the unknown token nor single characters."""
    added = {int(token): entry.content for token, entry in tokenizer.added_tokens_decoder.items()}
    steering = {token for token, content in added.items() if len(content) > 1 and not content.isspace()}
    return frozenset((steering | stop.special_ids(tokenizer)) - {tokenizer.unk_token_id})


def _cut_pattern(tokenizer: PreTrainedTokenizerBase) -> re.Pattern[str] | None:
    # split_special_tokens spells out special tokens only; added ones that are not special must be cut by hand.
    added = [entry.content for entry in tokenizer.added_tokens_decoder.values() if not entry.special]
    return _pattern([content for content in added if len(content) > 1 and not content.isspace()])


def _pattern(names: list[str]) -> re.Pattern[str] | None:
    ordered = sorted(names, key=lambda name: (-len(name), name))
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def _pieces(text: str, cuts: re.Pattern[str] | None) -> list[str]:
    """``text`` cut inside every match, so that no piece holds one."""
    pieces: list[str] = []
    while cuts and (found := cuts.search(text)):
        pieces.append(text[: found.start() + 1])
        text = text[found.start() + 1 :]
    return [*pieces, text]


def _bos(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """The BOS that the tokenizer itself would put before raw text, if it puts one."""
    bos = tokenizer.bos_token_id
    return [bos] if isinstance(bos, int) and tokenizer.encode("", add_special_tokens=True)[:1] == [bos] else []
