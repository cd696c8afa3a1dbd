"""Helpers for the pydantic models of the two framework packages, and of the tools they share."""
