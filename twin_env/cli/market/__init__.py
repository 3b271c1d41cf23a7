"""One module per command of ``python -m twin_env.market``.

Each has ``HELP`` (one sentence), ``add_arguments(parser)`` and ``run(arguments) -> int``.
"""
