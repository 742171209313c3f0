"""History of this plugin's tables."""
