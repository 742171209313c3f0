"""The commands of ``balefire``, one module each; imported when they are called."""
