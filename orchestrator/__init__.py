"""The VPS side: takes jobs, hands them to an endpoint, relays what comes back."""
