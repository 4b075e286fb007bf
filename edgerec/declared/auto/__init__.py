"""Features by trying: profile the columns, screen them, try the rest, say what each is worth."""
