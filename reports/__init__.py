"""Reports: pure functions from a leaderboard to text."""
