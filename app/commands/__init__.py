"""What each command of `python -m app` does; `app.cli` reads the command line and exits."""
