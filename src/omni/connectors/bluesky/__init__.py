"""The AT Protocol, read through its public AppView."""
