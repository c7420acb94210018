"""The specification: slow, obvious models with the interfaces of the core. What they say is right."""
