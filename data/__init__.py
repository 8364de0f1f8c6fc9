"""What a support log is: its vocabulary, reading, redacting, mining and splitting it."""
