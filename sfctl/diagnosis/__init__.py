"""What `doctor` looks at: the machine, the project, its stores. Each finding names its remedy."""
