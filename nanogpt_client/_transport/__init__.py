"""Network I/O: requests out, bytes in. Only `http` imports the HTTP library."""
