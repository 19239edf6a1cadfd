"""How long a test waits for what should come at once."""

# Seconds, far more than a busy machine needs: what takes this long hangs or has blown up. How fast something is, is
# measured in bench/ and not tested.
PATIENCE = 60.0
