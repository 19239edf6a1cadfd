"""Model backends. Each is reached through the `harness.models` entry points."""
