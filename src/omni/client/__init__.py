"""The typed client of the HTTP API that the UI, the CLI and users share."""
