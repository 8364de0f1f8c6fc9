"""Fine-tuning beside its peers: the same encoder, the same cores, one file a cell."""
