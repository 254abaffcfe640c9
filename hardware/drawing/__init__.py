"""The drawings and tables of `hardware/draw.py`: pure functions from pins and numbers to SVG and Markdown text."""
