"""Prompt templates. A published template is immutable: a change is a new version."""
