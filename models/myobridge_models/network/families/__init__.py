"""Networks under one contract (`base`), by name (`registry`); models/FAMILIES.md compares them."""
