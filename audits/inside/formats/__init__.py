"""One module per format of model files that is run: each loads a file and answers with plain arrays."""
