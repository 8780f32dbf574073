"""What is deployed, as data: one topic a module, no constructs."""
