"""The environment, read once, with every problem reported together."""
