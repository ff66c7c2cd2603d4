"""Names that users give, and looking them up."""
