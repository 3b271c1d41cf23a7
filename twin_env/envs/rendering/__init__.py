"""Pictures of an environment: the depth ladder as text and as pixels."""
