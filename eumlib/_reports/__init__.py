"""Reports: the notebooks executed, bound into pages, and compared."""
