"""What runs inside the user's job: the SDK, its run, and what it does when we are broken."""
