"""What may be done to what: every precondition of the domain, once. Pure.

A rule is a function `check_…` over rows and facts that its caller has read: it returns nothing, or raises the one
refusal that names the object, the reason and the way out. Nothing here reads the state or asks a server; operations
call their rules under the lock, before they write. The tables of reference/cinder-groups.md, section B, are the source;
`tests/manager/test_rules_*.py` mirrors them row by row.

Decided 2026-11-21: rules raise instead of returning a verdict, since each has exactly one consumer, the operation that
is refused; and facts (`Dependents`) are values, so that an operation gathers them in a constant number of statements.
"""
