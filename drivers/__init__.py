"""What knows storage: the contract, the drivers behind it and how they talk to a server. Never imports cgctl."""
