"""Photos: a process of its own that sorts folders of them by who is on them, and gives way to everything else."""
