"""The channels' history of schema changes, applied by the kernel at start."""
