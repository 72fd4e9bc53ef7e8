# observe.sh ... GROUP: what the pool has of a group, in lines for replication.py. A pool without a mark has nothing.
# shellcheck disable=SC2154 # from notes.sh and pool.sh
[ -e .cgctl/owner ] || exit 0
own
printf 'stream %s\n' "$(stream_version)"
[ ! -d "live/cgctl-$group" ] || echo live
[ ! -e "$notes/side" ] || sed 's/^/side /' "$notes/side"
[ ! -e "$notes/generations" ] || sed 's/^/generation /' "$notes/generations"
for note in "$notes"/point-*; do
    point=${note##*/point-}
    case $point in *.new | '*') continue ;; esac
    is_marked "$point" || continue
    if is_intact "$point"; then intact=intact; else intact=changed; fi
    printf 'point %s %s %s %s\n' "$point" "$(identity_of "$point")" "$intact" "$(cat "$note")"
done
