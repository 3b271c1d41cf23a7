"""``TwinTrading-v0``: trade freely, on both sides, for a window of the session."""
