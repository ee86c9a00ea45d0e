"""A machine with a real systemd, booted from this machine's own root and thrown away afterwards."""
