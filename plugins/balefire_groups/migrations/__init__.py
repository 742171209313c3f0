"""The groups' history of schema changes, applied by the kernel at start."""
