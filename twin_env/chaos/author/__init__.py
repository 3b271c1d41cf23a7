"""Authors: from a sentence to an experiment, by the library's names, by grammar, or by a language model."""

from twin_env.chaos.author.chain import ChainAuthor, PromptError, make_author, write_experiment
from twin_env.chaos.author.compile import Compiled, compile_draft
from twin_env.chaos.author.context import Context

__all__ = ["ChainAuthor", "Compiled", "Context", "PromptError", "compile_draft", "make_author", "write_experiment"]
