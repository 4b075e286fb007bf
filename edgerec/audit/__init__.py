"""The leak audit: what each training is checked for before its epochs."""
