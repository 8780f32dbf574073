"""The ports that tables implement."""
