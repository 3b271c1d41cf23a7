"""One running market, and the rule by which a number names it."""
