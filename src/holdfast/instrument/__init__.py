"""Attributes on classes: what a mapped class does when its objects are made, read and changed.

Files in reading order: `tokens` (who started a change), `slots/` (the behaviour of one attribute),
`backrefs` (both ends of a relationship), `collections/` (lists, sets and dicts that report their
changes), `accessors` and `descriptor` (what stands on the class), `manager` and `construction`
(one class as a whole), `access` (the functional API), `attribute_state`, `proxies`, `inspection`.

Called by `mapping`, which installs attributes; by `reading` and `unitofwork`, which read and fill
slots; and by the application, through plain attribute access. Knows no mapper, session or row:
what it needs of those comes through the sockets of `states.ports`.
"""
