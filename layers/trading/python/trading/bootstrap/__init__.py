"""The one composition root: settings, then AWS clients, then adapters, then use cases.

A handler loads its settings and asks a module of this package for what it needs. Each module serves
one group of functions, so that a cold start imports only what its function uses. Nothing is cached
here: every call makes new objects, which live as long as the handler's module.
"""
