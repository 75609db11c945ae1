"""Mapped attributes, one class a kind of attribute.

In reading order:

- `base`: `MapperProperty`, what all share.
- `column`: columns and SQL expressions.
- `synonym`: a second name for an attribute.
- `composite`: several columns seen as one value object.
- `arguments`: what was given to `relationship()` as string or callable.
- `reverse`: the relationship on the other side.
- `overlaps`: the warning about relationships that write the same column.
- `relationship`: `Relationship`, an attribute that refers to objects of another class.

Made by the application or by a mapper, owned by one mapper, completed by `mapping.configure`.
"""
