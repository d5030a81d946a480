"""What the sandbox knows of mail: which address meets which fate, and what is in a letter."""
