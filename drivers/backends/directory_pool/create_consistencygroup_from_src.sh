# create_consistencygroup_from_src.sh ... GROUP SOURCE SET (BOUND): a group with copies of volumes of the container SOURCE.
# Standard input: one line `NEW_VOLUME SOURCE_VOLUME BYTES` per volume. SET: the group snapshot that SOURCE is.
# shellcheck disable=SC2154 # $staging is made by `stage` of pool.sh
group=$1 source=$2 set=$3
members=$(cat)
own
lock "$group"
[ ! -e "live/cgctl-$group" ] || exit 0
[ -z "$set" ] || marked "$set"
set --
while read -r _ member bytes; do
    source_fits "$source/cgctl-$member/disk" "$bytes"
    set -- "$@" "$member"
done <<END
$members
END
paths=''
for member in "$@"; do paths="$paths $source/cgctl-$member/disk"; done
# shellcheck disable=SC2086 # built of ids
needed_room $paths
# shellcheck disable=SC2086
before=$(stat -c '%i %s %y' $paths)
stage live group "$group"
prepare_hold "$source"
copy_members "$source" "$staging" "$@"
release_hold
# shellcheck disable=SC2086
is_atomic || [ "$before" = "$(stat -c '%i %s %y' $paths)" ] ||
    refuse hold-broken "a writer was active: a volume changed while it was copied"

# Only what was asked for stays, under its new name; new ids never collide with old ones.
while read -r volume member bytes; do
    mv -T "$staging/cgctl-$member" "$staging/.new-$volume"
    chmod 600 "$staging/.new-$volume/disk"
    truncate -s "$bytes" "$staging/.new-$volume/disk"
done <<END
$members
END
rm -rf "$staging"/cgctl-* "$staging"/.staging-*
while read -r volume _ _; do
    mv -T "$staging/.new-$volume" "$staging/cgctl-$volume"
    sync "$staging/cgctl-$volume/disk" "$staging/cgctl-$volume"
done <<END
$members
END
sync "$staging"
settle "live/cgctl-$group"
