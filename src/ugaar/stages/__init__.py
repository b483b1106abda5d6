"""One module per stage of the workflow: files in, files out."""
