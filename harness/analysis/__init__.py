"""From verdicts to figures: one module for each section of results.json. Pure."""
