# Block mappings of points, and what they prove; stands behind notes.sh. $map_pl is the text of map.pl.
# shellcheck disable=SC2034,SC2154 # of pool.sh and notes.sh: their variables
reserved_file=/var/lib/cgctl/lvm-reserved-$tpool
# $state knows the ids of thin devices and the pool's chunk size, too: see `deep`.
lvs_line="$lvs_line${nl}lvs -q --noheadings --nameprefixes --unquoted --units b --nosuffix \
-S pool_lv=$thin_pool||lv_name=$thin_pool -o lv_name,thin_id,chunk_size $vg"

# deep KEY LV: $value, of $state.
deep() {
    value=${state#*"LVM2_LV_NAME=$2 "}
    [ "$value" != "$state" ] || return 1
    value=${value%%"$nl"*}
    value=${value#*"$1="}
    value=${value%% *}
}

# make_maps JOBS: runs map.pl behind the pool's metadata snapshot; $mapped is what it prints.
make_maps() {
    [ -n "$scratch" ] || make_scratch
    begin_maps
    mapped=$(printf '%s\n' "$1" | perl -e "$map_pl" -- "/dev/mapper/${tpool}_tmeta" "$scratch" 7>&-) || mapped=failed
    end_maps
    [ "$mapped" != failed ] || exit 1
}

# Only root comes here; what killed scripts left goes.
make_scratch() {
    scratch=/run/cgctl-lvm/$$
    set +f
    for word in /run/cgctl-lvm/*; do
        [ ! -e "$word" ] || kill -0 "${word##*/}" 2>/dev/null || rm -rf "$word"
    done
    set -f
    rm -rf "$scratch"
    mkdir -p "$scratch"
}

begin_maps() {
    exec 6>>"$lock_file.$thin_pool.maps"
    flock -w "$lock_wait" 6 || refuse at-work "another script still reads the mappings of $pool"
    [ -e "/dev/mapper/$tpool-tpool" ] || change "lvchange -q -ay $pool"
    # What a killed script, or one before a power loss, has left is let go; of whoever else has it, we know nothing.
    # shellcheck disable=SC2046 # words
    set -- $(dmsetup status "$tpool-tpool")
    case ${7:--} in
        -) ;;
        *) [ -e "$reserved_file" ] ||
            refuse busy "another program holds the metadata snapshot of $pool (dmsetup message $tpool-tpool 0 release_metadata_snap)"
            dmsetup message "$tpool-tpool" 0 release_metadata_snap ;;
    esac
    mkdir -p "${reserved_file%/*}"
    : >"$reserved_file"
    sync "$reserved_file" "${reserved_file%/*}"
    if ! dmsetup message "$tpool-tpool" 0 reserve_metadata_snap; then
        rm -f "$reserved_file"
        refuse busy "the metadata snapshot of $pool cannot be taken"
    fi
    reserved=yes
}

end_maps() {
    [ -n "$reserved" ] || return 0
    dmsetup message "$tpool-tpool" 0 release_metadata_snap
    rm -f "$reserved_file"
    reserved=''
    exec 6>&-
}

# stamp_jobs POINT...: $jobs for the mappings of these points.
stamp_jobs() {
    jobs=''
    for point_of in "$@"; do
        tagged "cgctl.set=$point_of"
        for word in $found; do
            deep LVM2_THIN_ID "cgctl-$word" || exit 1
            jobs="${jobs}dump $word $value$nl"
        done
    done
}

# stamp_of POINT: $stamp differs as soon as somebody has changed one of its members; behind make_maps.
stamp_of() {
    tagged "cgctl.set=$1"
    stamp=''
    [ -n "$found" ] || return 0
    for word in $found; do
        find_lv "cgctl-$word"
        printf '%s %s\n' "$word" "$lv_bytes"
    done >"$scratch/sizes"
    # shellcheck disable=SC2086 # names
    stamp=$(cd "$scratch" && sha256sum sizes $found | sha256sum)
    stamp=${stamp%% *}
}

# is_whole POINT: as many members as its mark says, all of them read-only.
is_whole() {
    value=${pool_tags#*",cgctl.mark=$1/"}
    value=${value%%,*}
    IFS=/ read -r _ _ count _ <<END
$value
END
    tagged "cgctl.set=$1"
    for word in $found; do
        find_lv "cgctl-$word"
        case $attr in ?r*) count=$((count - 1)) ;; *) return 1 ;; esac
    done
    [ "$count" = 0 ]
}

# is_intact POINT: it is as it was noted; behind make_maps.
is_intact() {
    if ! note_of "$1" || ! is_whole "$1"; then return 1; fi
    stamp_of "$1"
    [ "${note##*/}" = "$stamp" ]
}

# stamped POINT...: make the mappings of these points.
stamped() {
    stamp_jobs "$@"
    [ -z "$jobs" ] || make_maps "$jobs"
}

# usable POINT...: refuse unless they may take part in a delta.
usable() {
    stamped "$@"
    for point_of in "$@"; do
        is_intact "$point_of" || refuse point-changed "recovery point $point_of was changed by hand"
    done
}
