"""The same session, awaited.

An `AsyncSession` holds an ordinary session and calls it in a greenlet, from which Core's asyncio
drivers can await. Nothing below knows of it: a session finds its asyncio side by a weak reference
that it was given. In reading order:

- `greenlets`: call a function where the driver may be awaited; engines and connections, and their
  asyncio sides; `AsyncSessionTransaction`.
- `session`: `AsyncSession`.
- `factories`: `async_sessionmaker`; `async_scoped_session`; `awaitable_attrs` of objects.

Users import all of it from `holdfast.ext.asyncio`.
"""
