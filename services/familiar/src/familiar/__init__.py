"""Words: errors, settings, the contract of servables, directions and reasons, which every room speaks.

They are the modules beside the rooms, and know of no room. Each room is a package whose ``__init__`` says in one
sentence what it does and lets out what others may use; nobody outside imports from its inside. Which room may import
which, and which framework it knows, stands in ``docs/architecture.md``; ``tests/unit/architecture`` holds the code to
it.
"""

__version__ = "0.1.0"
