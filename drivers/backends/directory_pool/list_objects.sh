# list_objects.sh: what is in the pool, for drivers/backends/directory_pool/listing.py:
#   `file TYPE BYTES PATH`, `mark GROUP_SNAPSHOT GROUP`, `snapshot SNAPSHOT VOLUME`.
own
list_files
