"""History of the HTTP server's tables."""
