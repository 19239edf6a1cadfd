"""The run: put together, carried out, read back, merged, written, handed on."""
