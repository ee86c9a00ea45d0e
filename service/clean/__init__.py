"""Entries → finished articles: title, plain text without boilerplate, date, address, language. Pure."""

from service.clean.article import clean, content_hash

__all__ = ["clean", "content_hash"]
