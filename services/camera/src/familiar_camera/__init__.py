"""The camera client: takes frames, sends them to the gateway, and shows what it answers."""
