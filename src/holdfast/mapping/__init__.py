"""Say how classes correspond to tables; everything here is read-only once configured.

In reading order: `sockets` (what higher layers fill), `properties/*` (what one mapped attribute
is), `joins/*` (the ON clause of a relationship), `tables` and `columns` (which column feeds which
attribute), `mapper` (what one class maps to), `inheritance` and `polymorphic`, `class_names`
(strings that name classes), `configure` (the second pass), `registry`, `imperative`, `cascades`
and `versioning`; `declarative/*` builds on all of it. Called by whoever maps classes, read by
queries, reading and unitofwork. Emits no SQL.
"""
