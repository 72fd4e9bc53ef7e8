"""Recovery points on their way from one configured backend to another."""

from __future__ import annotations

from cgctl.cli.wiring.configured import Configured
from cgctl.manager.environment import Carried, Delivery, Follow, Way


class Carrying:
    """`Carrier`, between configured backends."""

    def __init__(self, configured: Configured) -> None:
        self._configured = configured
        self._shut: dict[tuple[str, str], str] = {}
        """Why a direct path did not work, so that one command tries it once."""

    def __call__(self, delivery: Delivery, way: Way, follow: Follow) -> Carried:
        from cgctl.remote.transfer import Errand, Limits, transfer  # noqa: PLC0415 (only replication needs it)

        ends = delivery.source, delivery.destination
        source, destination = (self._configured.end(backend_id) for backend_id in ends)
        errand = Errand(delivery.owner, delivery.group_id, source, delivery.send, destination, delivery.receive)
        path = "relay" if way.path == "auto" and ends in self._shut else way.path
        limits = Limits(way.bytes_per_second, path=path, compression=way.compression)
        done = transfer(errand, limits, follow)
        if done.note:
            self._shut[ends] = done.note
        return Carried(done.stream_bytes, done.seconds, done.path, done.compression, self._shut.get(ends))

    def forget_way(self, owner: str, source: str, destination: str) -> None:
        from cgctl.remote.transfer import forget_way  # noqa: PLC0415

        forget_way(owner, self._configured.end(source), self._configured.end(destination))
