"""A change against a git revision: whether it slowed an engine down."""
