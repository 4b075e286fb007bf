"""What users do on this device: kept in SQLite, counted at once, written out for training."""
