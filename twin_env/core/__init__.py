"""The compiled world: exchange, wires, desk and ledger as integers in arrays."""
