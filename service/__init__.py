"""What Wirewatch does: fetch, parse, clean, decide, tag, store, answer."""
