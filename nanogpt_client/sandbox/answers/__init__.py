"""Models for the sandbox: what is said, called and cited in answer to a chat request."""
