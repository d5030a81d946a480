"""What a project is and how it comes into being."""
