"""What runs outside the user's job: the parent process and what it can tell of its child."""
