"""The way in: which author reads a sentence, and the experiment or one sentence about what was not understood."""

from collections.abc import Iterable
from typing import Final, Literal, Protocol, get_args

from twin_env.chaos.author.compile import Compiled
from twin_env.chaos.author.context import Context
from twin_env.chaos.author.grammar import GrammarAuthor, check_sentence
from twin_env.chaos.author.library import LibraryAuthor
from twin_env.chaos.author.llm import LLMAuthor
from twin_env.chaos.experiment import Experiment
from twin_env.config import ConfigError

AuthorName = Literal["offline", "llm", "auto"]
AUTHORS: Final = get_args(AuthorName)


class Author(Protocol):
    """Whoever makes experiments of sentences."""

    def write(self, prompt: str, context: Context) -> Compiled:
        """Return what became of a sentence."""
        ...


class PromptError(ConfigError):
    """A sentence that no experiment was made of.

    Attributes:
        problems: One sentence each.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        super().__init__(list(problems))


class ChainAuthor:
    """The library for events that were, then the grammar, then a model if the grammar refuses and one is there."""

    def __init__(self, model: LLMAuthor | None = None, library: LibraryAuthor | None = None) -> None:
        self.model = model
        self.library = library or LibraryAuthor()
        self.grammar = GrammarAuthor()

    def write(self, prompt: str, context: Context) -> Compiled:
        """Return what became of a sentence."""
        if check_sentence(prompt) is None and self.library.is_asked(prompt):
            return self.library.write(prompt, context)
        draft = self.grammar.draft(prompt, context)
        if draft.refusal is None or self.model is None or check_sentence(prompt) is not None:
            return self.grammar.write(prompt, context)
        return self.model.write(prompt, context)


def make_author(name: AuthorName = "auto") -> Author:
    """Return an author by name: ``offline`` never uses a network, ``auto`` does where a model is configured.

    Raises:
        ValueError: A model is asked for and none is configured.
    """
    if name == "llm":
        return LLMAuthor()
    return ChainAuthor(LLMAuthor() if name == "auto" and LLMAuthor.is_configured() else None)


def write_experiment(prompt: str, context: Context | None = None, *, author: Author | None = None) -> Experiment:
    """Return the experiment that a sentence asks for.

    Args:
        prompt: The sentence.
        context: The market; the default one if not given.
        author: Who reads it; library and grammar by default, without a network.

    Raises:
        PromptError: It was not understood, or asks for what is not allowed.
    """
    compiled = (author or ChainAuthor()).write(prompt, context or Context.of())
    if compiled.experiment is None:
        raise PromptError(compiled.problems)
    return compiled.experiment
