"""Describe mapped attributes, one class a kind of attribute.

`base` has what all share; `column`, `relationship`, `synonym` and `composite` the kinds;
`arguments` evaluates what was given to `relationship()` as string or callable.
Made by the application or by a mapper, owned by one mapper, configured by `mapping.configure`.
"""
