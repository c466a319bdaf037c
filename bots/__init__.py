"""The conversation: what people write becomes actions, and what happens becomes messages."""
