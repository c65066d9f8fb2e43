"""Plans, item lists and draws under each regulation, and a whole simulated year of each."""
