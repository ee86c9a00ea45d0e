"""Where bytes come from: feeds over HTTP, folders on disk. The only room that touches the network."""
