"""A plugin that cannot be loaded."""
