"""What other tools wrote."""
