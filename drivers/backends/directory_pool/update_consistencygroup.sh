# update_consistencygroup.sh ... GROUP; standard input: lines `add VOLUME` and `remove VOLUME`.
# A volume that stands in both places was left by a move that did not end: until the end its old place was served and
# written to, so the old place is the true one, and the move begins anew.
group=$1
own
lock "$group"
moves=$(cat)
[ -d "live/cgctl-$group" ] || refuse not-on-server "group $group is not in the pool"

locate() { # locate add|remove VOLUME: where it comes from and goes to, as directories and as what is renamed.
    inside=live/cgctl-$group/cgctl-$2
    alone=live/cgctl-$2
    case $1 in
        add) from=$alone/cgctl-$2 from_object=$alone to=$inside to_object=$inside ;;
        remove) from=$inside from_object=$inside to=$alone/cgctl-$2 to_object=$alone ;;
    esac
    new=${to_object%/*}/.staging-volume-$2
}

pending() { # pending FUNCTION: call it for every volume that still has to move.
    every call_if_pending "$1"
}

call_if_pending() {
    [ ! -e "$from" ] || "$1"
}

every() { # every FUNCTION [PARAMETER]: call it for every volume.
    while read -r way volume; do
        locate "$way" "$volume"
        "$@"
    done <<END
$moves
END
}

exists() {
    [ -e "$from/disk" ] || [ -e "$to/disk" ] || refuse not-on-server "volume $volume is not in the pool"
}

copy() {
    vanish "$to_object" volume "$volume"
    if [ "$way" = remove ]; then
        make_container "$new"
    fi
    made=$new${to#"$to_object"}
    mkdir -p "$made"
    move_disk "$from/disk" "$made/disk"
    chmod 600 "$made/disk"
    sync "$made/disk" "$made" "$new"
}

unmove() {
    remove_tree "$new"
}

undo_moves() {
    [ "$1" = 0 ] || pending unmove || :
    exit "$1"
}

place() {
    mv -T "$new" "$to_object"
    sync "${to_object%/*}"
}

# The old place goes, and what a killed run left of it: the new one stands.
forget() {
    vanish "$from_object" volume "$volume"
}

note() {
    stat -c '%n %s %y' "$from/disk"
}

check() {
    in_use "$from/disk" || return 0
    refuse busy "volume $volume is in use: end its export first"
}

every exists
pending check
before=$(pending note)
trap 'undo_moves $?' EXIT
pending copy
[ "$before" = "$(pending note)" ] || refuse busy "a volume was written to while it was moved"
pending place
every forget
