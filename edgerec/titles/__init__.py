"""What people call the items: kept beside the state of training, and searched."""
