"""Studies and trials on a cluster. Modules are imported by name: each needs `kubernetes`."""
