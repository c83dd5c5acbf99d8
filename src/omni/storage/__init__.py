"""Where bytes rest: Postgres (`db`, `sql`) and object storage (`objects`)."""
