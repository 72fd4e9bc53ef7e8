"""Backups: what a repository is, and how images come into it and out of it.

A repository is a directory of a server, or of this machine:

    cgctl-repository                 `cgctl-repository 1`
    backup-<id>/manifest             lines `WORD ...`; `about` is one line of JSON: what it is a backup of
    backup-<id>/manifest.sha256      of the manifest, which holds those of the maps
    backup-<id>/<member>.map         for each 4 MiB of the image a line: a file below chunks, or `-` for zeros
    backup-<id>/chunks/ab/abcd….zst  a chunk, by the sha256 of what it holds; .raw .zst .gz .lz4 say how it is kept
    .making-<id>, .gone-<id>         what is being made or removed: never listed; an interrupted one is removed

`about` is an object; a restore needs of it `created_at`, and `members`, a list in the order of the images: `id` and
`size_bytes` of each, `name`, `volume_type`, and `form`: `disk`, or `file system` where the image holds one that the
server mounts by itself, so that it goes only where volumes are that. Older manifests have no `form`: theirs are disks.
Where they are there, `description` and `metadata` of each come back, too, and `group` of the first (`description`,
`metadata`, `volume_types`, the names); never a group's quiesce hooks, which are commands of cgctl's machine.

An image is restored without cgctl by a loop over its map: `zstd -dc chunks/ab/abcd….zst`, 4 MiB of zeros for `-`, cut
to the image's size. That of a file system is then mounted as it is (xfs: `-o nouuid`, beside others of its origin). It
was cloned while it was in use: it may have a log to replay, so its first mount is one that may write.

Decided 2026-11-21:

- No restic, no borg. restic knows zstd only, wants a password for every repository, and its own key from each storage
  server to the repository; borg wants a python of its own on both sides. Neither takes many images as one backup
  that is there whole or not at all, and both would have to be installed on every storage server. What is needed of
  them, chunks by content and a manifest, is short; perl with Digest::SHA is on every server that has exports.
- A chunk that several backups need has a hard link in each. So deleting a backup is removing its directory, in any
  order, and nothing has to be counted or locked; a file system without hard links cannot be a repository.
- Chunks of a fixed size, not by content: an image's blocks do not move.
- The sender hashes, leaves out what the last backup of the same source has, and compresses where the backend's driver
  offers the algorithm; else the repository's side does. A stream that is not whole leaves nothing.
"""
