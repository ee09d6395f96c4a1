"""The command line, a file for what each group of commands takes."""
