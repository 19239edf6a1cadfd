"""Task sources. Each is reached through the `harness.tasks` entry points."""
