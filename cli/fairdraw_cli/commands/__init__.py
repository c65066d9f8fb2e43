"""One module for each family of commands; `fairdraw_cli.main` says which command is where."""
