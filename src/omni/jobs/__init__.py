"""The ledger of jobs in Postgres, and the relay that rings BullMQ's doorbell."""
