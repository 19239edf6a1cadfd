"""From an adapter and its base to one model: as a folder for transformers, and as GGUF for llama.cpp."""
