"""Past conversations replayed through an app, and compared with what people answered."""
