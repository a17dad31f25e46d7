"""Arrow columns, dictionaries, blocks between tasks, kernels."""
