"""What a decoder is worth on recordings: errors, movements and steadiness."""
