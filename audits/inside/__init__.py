"""What runs inside the sandbox, with the model. It imports nothing else of ours, and nothing of ours imports it."""
