"""Training of adapters that go straight back into the harness."""
