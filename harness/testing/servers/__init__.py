"""Real HTTP servers on the loopback that speak a vendor's wire: the SDK under test notices no difference."""
