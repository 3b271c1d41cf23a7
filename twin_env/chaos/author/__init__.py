"""Authors: from a sentence to an experiment, by grammar, by the library's names, or by a language model."""
