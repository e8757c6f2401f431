"""What is shown: a document as data, its writers, and the figures."""
