"""The desk: what the agent's side believes, and how its requests leave."""
