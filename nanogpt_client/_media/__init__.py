"""Media as bytes: file types and saving, joined audio, how results look in a notebook."""
