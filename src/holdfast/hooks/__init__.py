"""The hooks that applications listen to, on Core's own event system.

In reading order:

- `families`: what all families share: whom they accept, and their precedence over foreign ones.
- `session`: `SessionEvents`: transactions, flushes, object lifecycle, execution.
- `waiting`: listeners on classes that are not mapped yet.
- `mapper`: `MapperEvents`: rows about to be written, and configuration.
- `instance`: `InstanceEvents`: construction, loading, expiry.
- `declared`: methods marked on a class as listeners: `@validates`, `@reconstructor`.
- `attribute`: `AttributeEvents`: set, append, remove.
- `class_instrumentation`: `InstrumentationEvents`: classes being instrumented.
- `registry`: `RegistryEvents`: configuration of a registry, types of annotations.
- `query`: `QueryEvents`: a `Query` about to be compiled.

Each family puts its `dispatch` on a class of a lower layer; those fire through it, guarded by
booleans that the families set. Imported by `_wiring`, called by Core's `event.listen`.
"""
