"""Networks with one interface (`base`), by name (`registry`); models/FAMILIES.md compares them."""
