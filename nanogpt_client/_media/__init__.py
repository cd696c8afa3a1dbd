"""Media as bytes: file types, saving, audio concatenation, notebook HTML."""
