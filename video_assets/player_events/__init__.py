"""Player events: read, sorted out, kept."""
