"""From what is asked for to answers and verdicts."""
