"""The web UI; it knows only `omni.client`."""
