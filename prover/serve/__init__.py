"""Serving a causal language model: an engine that batches requests as they come, and an OpenAI-compatible server around it."""
