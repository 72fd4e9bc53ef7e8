"""The direct path of a transfer: the source server's own ssh delivers to the destination server.

Decided 2026-11-21: a key can do nothing but deliver. cgctl makes one for each way (owner, source backend, destination
backend) on the source, where its private half stays; its public half is enrolled for the destination's login user with
`restrict` and a forced command (`door.pl`). That passes bytes to a fifo which a receive of cgctl's own has just made,
under a random name that is used once. So a stolen key cannot name a group, a point or a path, and can say nothing while
no receive waits; what it says then has to prove itself as any stream. The destination's host key is the one that is
pinned in cgctl's own known_hosts.

Decided 2026-11-21: nobody outlives cgctl. What runs on servers (`carry.pl`) hears of cgctl every few seconds, and ends
when it does not; a newer one for the same group ends an older one that a cut network has left.

Everything is looked at before each transfer, by one execution on each server: there is no state of enrolment to go
stale. An enrolment ends with `revoke.sh`.
"""
