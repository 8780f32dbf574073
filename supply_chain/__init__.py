"""Checks the locked packages: known vulnerabilities, licenses, and the bill of materials."""
