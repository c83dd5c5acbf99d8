"""Shortlist, prompt, verdict; `llm_scores` is the cache."""
