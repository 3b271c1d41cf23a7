"""The command ``twin``: one module a command, one folder a group of them.

A command is a module with ``HELP`` (one line), ``EXAMPLES`` (command lines), ``add_arguments(parser)`` and
``run(arguments) -> int``. A module imports what is heavy inside the last, so that a mistyped option costs no second;
options that several commands have are in :mod:`twin_env.cli.options`, with one meaning everywhere.
"""
