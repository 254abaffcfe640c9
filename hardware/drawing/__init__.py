"""What `hardware/draw.py` draws: pure functions from pins and numbers to SVG and Markdown text."""
