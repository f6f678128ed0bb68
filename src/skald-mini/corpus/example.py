"""The two shapes a text can have, plain and chat, and how each is written out.

Training counts the loss on `completion` and on the assistant's turns only (each with its end token).
"""

from dataclasses import dataclass

END_OF_TEXT = "<|endoftext|>"
TURN_START = "<|im_start|>"
TURN_END = "<|im_end|>"

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Plain:
    """Raw text: what is given, and how it goes on."""

    prompt: str
    completion: str


@dataclass(frozen=True)
class Turn:
    """One question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Chat:
    """A conversation; `system` may be empty."""

    system: str
    turns: tuple

    def messages(self):
        """The conversation as the chat template takes it."""
        out = [{"role": "system", "content": self.system}] if self.system else []
        for turn in self.turns:
            out.append({"role": "user", "content": turn.question})
            out.append({"role": "assistant", "content": turn.answer})
        return out


def pieces(example):
    """The text of an example in pieces: a list of (text, counts for the loss)."""
    if isinstance(example, Plain):
        return [(example.prompt, False), (example.completion + END_OF_TEXT, True)]
    out = []
    opening = f"{TURN_START}system\n{example.system}{TURN_END}\n" if example.system else ""
    for turn in example.turns:
        out.append((f"{opening}{TURN_START}user\n{turn.question}{TURN_END}\n{TURN_START}assistant\n", False))
        out.append((turn.answer + TURN_END, True))
        opening = "\n"
    return out


def text(example):
    """The example as one string."""
    return "".join(piece for piece, _ in pieces(example))
