# receive.sh ... GROUP POINT BASE FORM IDENTITY NOTE: make a point of standard input. The mark comes last: until then it is void.
# shellcheck disable=SC2034,SC2154 # $staging is known to pool.sh
point=$1 base=$2 form=$3 identity=$4 note=$5
claim
hold_notes
settled=groupsnap/cgctl-$point
! is_marked "$point" || refuse already-on-server "recovery point $point is in the pool already"
[ -z "$base" ] || usable "$base"
tidy
[ "$form" != blocks ] || expect_blocks "$base"
write_note receiving "$point"
discard "$point"
if [ "$form" = blocks ]; then
    how=$as_blocks
    receive_blocks "$point" "$base"
    identified=$point
else
    how=received
    receive_set "$point" "$base"
    staging=$settled
    identified=$(identity_of "$point")
fi
[ "$identified" = "$identity" ] || refuse refused "what arrived is not recovery point $point"
is_sealed "$point" || refuse refused "recovery point $point is not read-only"
sync -f "$settled"
write_note "point-$point" "$note $(stamp "$point")"
set -- "$settled"/cgctl-*
read -r _ _ taken_at _ <<END
$note
END
printf '%s %s %s %s %s 0\n' "$group" "$how" "$#" "$taken_at" "$(date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00)" \
    >".cgctl/sets/cgctl-$point.new"
sync ".cgctl/sets/cgctl-$point.new" groupsnap
staging=''
mv -T ".cgctl/sets/cgctl-$point.new" ".cgctl/sets/cgctl-$point"
sync .cgctl/sets
rm -f "$notes/receiving"
echo complete
