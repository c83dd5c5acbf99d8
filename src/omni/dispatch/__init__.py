"""Leads become messages; pacing for each account; sending at most once."""
