"""What is stored: answers and verdicts by content key."""
