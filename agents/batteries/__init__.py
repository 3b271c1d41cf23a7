"""What plays policies on the same episodes and compares them: rollouts, stress searches, held-out faults."""
