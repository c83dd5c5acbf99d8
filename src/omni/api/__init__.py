"""The HTTP API: routes, schemas, problem+json; the only place that renders an HTTP status."""
