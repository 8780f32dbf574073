"""The requests and answers of the APIs, with one module for each vocabulary."""
