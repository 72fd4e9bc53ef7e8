# list_manageable.sh: cgctl's own as list_objects.sh prints them, and what list_foreign prints. Also before the pool is ours.
[ ! -e .cgctl/owner ] || own
list_files
list_foreign
