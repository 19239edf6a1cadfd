"""What vLLM's own process imports: ways of loading weights. Nothing here loads the rest of the house."""
