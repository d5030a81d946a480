"""What contact with people does to the world: opening channels, queueing, sending, settling, writing back."""
