"""Where background messages come from: a tape, or a synthetic flow."""
