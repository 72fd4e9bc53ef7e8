# Shared by the scripts that make a group snapshot of members.
# shellcheck disable=SC2154 # of pool.sh: its variables

# receipt: of the mark in $value.
receipt() {
    IFS=/ read -r _ _ method count began ended limit <<END
$value
END
    printf '%s %s %s %s %s\n' "$method" "$count" "$began" "$ended" "$limit"
}

# mark_of SET: $value is its mark, from the set's id on.
mark_of() {
    value=${pool_tags#*",cgctl.mark=$1/"}
    [ "$value" != "$pool_tags" ] || return 1
    value=$1/${value%%,*}
}

# expected VOLUME BYTES: refuse unless it is a member of this size.
expected() {
    find_lv "cgctl-$1" || refuse not-on-server "member $1 is not in the pool"
    case $tags in
        *",cgctl.group=$group,"*) ;;
        *) refuse not-on-server "member $1 is not in the group $group" ;;
    esac
    tag cgctl.bytes || :
    [ "$value" = "$2" ] || refuse refused "member $1 has $value bytes, not $2"
}

clock() {
    date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00
}
