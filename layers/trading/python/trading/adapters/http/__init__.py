"""Requests and answers of the APIs, whatever they are about."""
