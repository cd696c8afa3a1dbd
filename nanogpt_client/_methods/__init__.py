"""Methods of both clients, by subject, where they are not in `client` and `async_client`."""
