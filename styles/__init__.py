"""Style sheets, as package data."""
