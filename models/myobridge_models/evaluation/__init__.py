"""Figures of a decoder on recordings: errors, movements and steadiness."""
