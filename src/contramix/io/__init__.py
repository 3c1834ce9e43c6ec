"""Read files as records; nothing here knows of domains or of learning."""
