"""What all rooms share: files, fetching, settings, errors, looks, progress."""
