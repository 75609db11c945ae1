"""The hooks that applications listen to, on Core's own event system.

In reading order:

- `declared`: what all families share: whom they accept, and their precedence over foreign ones;
  listeners on classes that are not mapped yet; methods marked on a class as listeners:
  `@validates`, `@reconstructor`.
- `sessions`: `SessionEvents`: transactions, flushes, object lifecycle, execution; `QueryEvents`:
  a `Query` about to be compiled.
- `mappers`: `MapperEvents`: rows about to be written, and configuration; `RegistryEvents`:
  configuration of a registry, types of annotations.
- `objects`: `InstanceEvents`: construction, loading, expiry; `AttributeEvents`: set, append,
  remove; `InstrumentationEvents`: classes being instrumented.

Each family puts its `dispatch` on a class of a lower layer; those fire through it, guarded by
booleans that the families set. Imported by `_wiring`, called by Core's `event.listen`.
"""
