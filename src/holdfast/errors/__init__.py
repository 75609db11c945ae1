"""Hold every exception that Holdfast raises, with its wording.

Files, one for each part of the house: `base` (what all share), `unmapped`, `session`, `flush`,
`attributes`, `loading`, `queries`, `mapping`, `declarative`. Raise sites import from the file and
name a constructor, e.g. `raise MembershipError.not_persisted(state)`.
"""
