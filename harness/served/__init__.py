"""Pages that are served while a command runs: those that people rate on, for several raters at once."""
