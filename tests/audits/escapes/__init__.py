"""What tries to get out of the sandbox: scripts that the tests beside this folder run inside it."""
