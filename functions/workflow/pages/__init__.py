"""What workflow says to people."""
