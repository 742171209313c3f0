"""The workloads of the design, section 8: ``make bench`` runs them and prints one table."""
