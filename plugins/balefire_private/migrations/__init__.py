"""The block list's history of schema changes, applied by the kernel at start."""
