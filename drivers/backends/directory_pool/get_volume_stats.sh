# get_volume_stats.sh: `mark ours|none`, `room BLOCK_BYTES BLOCKS AVAILABLE`, and what list_objects.sh prints.
# statfs, also on btrfs: it knows the profile's ratio, and says 0 when only the metadata are full; `btrfs filesystem
# usage` would still estimate free room there.
if [ -e .cgctl/owner ]; then
    own
    echo 'mark ours'
else
    echo 'mark none'
fi
stat -f -c 'room %S %b %a' .
list_files
