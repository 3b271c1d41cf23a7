"""An experiment run beside the same market without it."""
