"""What the sandbox serves besides chat: images, audio, video, embeddings and web search."""
