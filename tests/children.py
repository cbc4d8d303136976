"""What children of tests run."""

IDLE = "import time; time.sleep(60)"  # nobody waits for it: each test ends the child that runs it
