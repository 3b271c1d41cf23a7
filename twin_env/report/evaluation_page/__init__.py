"""The report of an evaluation: one HTML file that needs nothing else, rendered from the evaluation's document alone.

``page.py`` puts it together; ``sections`` has a module per kind of section, each a function from a document to the
record of a section. A section is made of ``blocks``; every number in one names the place of the document it came from.
"""
