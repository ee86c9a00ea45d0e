"""What Wirewatch keeps, and every question to it."""
