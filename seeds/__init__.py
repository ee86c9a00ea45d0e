"""The first import: articles that show a fresh installation what it does."""
