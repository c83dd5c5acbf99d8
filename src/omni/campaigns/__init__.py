"""Campaigns, their canonical criteria and their current weights."""
