# receive.sh ... GROUP POINT BASE FORM IDENTITY NOTE: make a point of standard input; its mark and its note come last, together.
# What arrives is written into volumes of its own, copies of BASE's; the members are snapshots of them (see __init__.py).
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
point=$1 base=$2 identity=$4 told=$5
[ "$identity" = "$point" ] || refuse refused "what arrives is not recovery point $point"
hold_notes
half=''
undo() {
    end_maps
    if [ -n "$half" ]; then
        [ -n "$locked" ] || lock
        look
        is_marked "$point" || discard "$point"
    fi
    [ -z "$scratch" ] || rm -rf "$scratch"
    exit "$1"
}

read_head
while read -r _ bytes; do
    [ -z "$bytes" ] || whole_sectors "$bytes"
done <<END
$announced
END
lock
claim
! is_marked "$point" || refuse already-on-server "recovery point $point is in the pool already"
if [ -n "$base" ]; then
    marked_or_refuse "$base"
    usable "$base"
fi
tidy
discard "$point"
room
deep LVM2_CHUNK_SIZE "$thin_pool"
chunk=$value
# A range begins and ends inside chunks that are larger here than there. No more than all chunks of all members are made.
needed=$((ships + ranges * 2 * chunk)) most=$((total + member_count * chunk))
[ "$needed" -le "$most" ] || needed=$most
free=$((pool_bytes * (94 - ${data%%.*}) / 100))
[ "$ships" = 0 ] || [ "$needed" -le "$free" ] ||
    refuse pool-full "$pool has room for $free bytes, up to $needed may arrive"
[ -n "$scratch" ] || make_scratch
making='' paths='' names='' sealing='' count=0
: >"$scratch/table"
while read -r volume bytes; do
    [ -n "$volume" ] || continue
    name=cgctl-${point}_$volume
    tags_of="--addtag cgctl.kind=member --addtag cgctl.set=$point --addtag cgctl.volume=$volume --addtag cgctl.bytes=$bytes"
    if [ -n "$base" ] && find_lv "cgctl-${base}_$volume"; then
        tag cgctl.bytes
        [ "$value" -le "$bytes" ] || refuse refused "member $volume has $value bytes here, and arrives with $bytes"
        making="${making}lvcreate -q -An -s -kn -ay -prw --ignoremonitoring -n ${name}_in $tags_of --addtag cgctl.making=1 $vg/cgctl-${base}_$volume$nl"
        [ "$lv_bytes" -ge "$bytes" ] || making="${making}lvextend -q -An -L ${bytes}b $vg/${name}_in$nl"
    else
        making="${making}lvcreate -q -An --ignoremonitoring -V ${bytes}b -T $pool -n ${name}_in $tags_of --addtag cgctl.making=1$nl"
    fi
    sealing="${sealing}lvcreate -q -An -s -ky -pr --ignoremonitoring -n $name $tags_of $vg/${name}_in$nl"
    printf 'cgctl-%s %s /dev/%s/%s_in %s\n' "$volume" "$bytes" "$vg" "$name" "$chunk" >>"$scratch/table"
    names="$names ${point}_${volume}_in" paths="$paths /dev/$vg/${name}_in" count=$((count + 1))
done <<END
$announced
END
half=yes
retag --addtag "cgctl.receiving=$group/$point"
change "$lines$making"
of_pool
for word in $names; do find_lv "cgctl-$word" || refuse refused "LVM does not make cgctl-$word: $noise"; done
while read -r volume bytes; do
    [ -n "$volume" ] || continue
    find_lv "cgctl-${point}_${volume}_in"
    [ "$lv_bytes" -ge "$bytes" ] || refuse pool-full "member $volume cannot be made $bytes bytes large"
done <<END
$announced
END
unlock
perl -e "$ship_pl" -- receive-devices "$scratch/table"
# shellcheck disable=SC2086 # paths
sync $paths

lock
# shellcheck disable=SC2086 # names
each_lv 'lvchange -q -An -an' $names
sleeping=$lines
# shellcheck disable=SC2086 # names
each_lv 'lvremove -fy -q' $names
change "$sleeping$nl$sealing$lines"
of_pool
ours
stamp_jobs "$point"
make_maps "$jobs"
tagged "cgctl.set=$point"
for word in $found; do count=$((count - 1)); done
[ "$count" = 0 ] || refuse refused "LVM does not make the members of recovery point $point: $noise"
stamp_of "$point"
# shellcheck disable=SC2086 # four words
tag_of=$(point_tag "$point" $told)
taken_at=${told#* }
taken_at=${taken_at#* }
taken_at=${taken_at%% *}
# shellcheck disable=SC2086 # names
set -- $names
write_notes --deltag "cgctl.receiving=$group/$point" --addtag "$tag_of"     --addtag "cgctl.mark=$point/$group/received/$#/$taken_at/$(clock)/0"
half=''
echo complete
