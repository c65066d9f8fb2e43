"""What tests share: stories of a draw, told in memory."""
