"""Two answers to the same task beside each other: what is shown of them, which rows meet, and what people said."""
