"""What acts: requests out, bytes in. `http` is the one file that imports the HTTP library."""
