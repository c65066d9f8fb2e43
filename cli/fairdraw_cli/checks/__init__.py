"""What `doctor` looks at: the machine, the office's folder, and those outside whom a draw needs."""
