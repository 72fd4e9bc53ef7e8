# NFSv4 exports by nfs-ganesha 4.
#   exports.sh ensure|remove|check CONFIG            reads from stdin, fields separated by tabs:
#     VOLUME SOURCE SIZE_BYTES CLIENTS        (SOURCE: .../DIRECTORY/disk; CLIENTS: a,b, or - for nobody)
# CONFIG is the truth: one line per export, written before ganesha is told, so that its restart and SIGHUP agree.
# Volumes are exported through a bind mount of their container, because ganesha does not see btrfs subvolumes.
action=$1 config=$2
state=/run/cgctl
places=$state/export
owner_id=70726 # see server.py
first_export_id=20000
# user::rwx group::r-x group:70726:r-x mask::rwx other::---. The kernel lets the group create nothing; the mode bits that
# ganesha answers ACCESS from show rwx (the mask), because libnfs asks for them before it opens a file for writing.
# Without ACLs it is 0750, and kernel clients work as well.
directory_acl=0x0200000001000700ffffffff04000500ffffffff080005004614010010000700ffffffff20000000ffffffff
lock_wait_seconds=60
close_wait_tenths=100
tab=$(printf '\t')

bus() { # bus METHOD ARGUMENT...
    method=$1
    shift
    dbus-send --system --print-reply --reply-timeout=20000 --dest=org.ganesha.nfsd \
        /org/ganesha/nfsd/ExportMgr "org.ganesha.nfsd.exportmgr.$method" "$@"
}

fail() {
    printf '%s\n' "$1" >&2
    exit 1
}

# --- what is there

# Into $work/offered: EXPORT_ID PATH, as ganesha has them.
observe_offered() {
    if ! bus ShowExports >"$work/shown" 2>&1; then
        printf 'nfs-ganesha is not running: %s\n' "$(head -n 1 "$work/shown")" >&2
        exit 4
    fi
    sed -n 's/^ *uint16 \([0-9]*\)$/\1/p; s/^ *string "\(\/.*\)"$/\1/p' "$work/shown" | paste - - >"$work/offered"
}

# Into $work/configured: EXPORT_ID VOLUME PATH.
observe_configured() {
    touch "$config"
    sed -n "s|^EXPORT { Export_Id = \([0-9]*\); Pseudo = \"/cgctl-\([^\"]*\)\"; Path = \"\([^\"]*\)\";.*|\1$tab\2$tab\3|p" \
        "$config" >"$work/configured"
}

observe_clients() { # observe_clients EXPORT_ID: sorted, separated by commas
    bus DisplayExport "uint16:$1" 2>/dev/null | sed -n 's/^ *string "\([0-9a-fA-F.:]*\)\/\(32\|128\)"$/\1/p' |
        sort | paste -s -d , -
}

is_offered() { # is_offered EXPORT_ID PATH
    grep -qxF "$1$tab$2" "$work/offered"
}

is_synchronous() {
    case $(lsattr -- "$1" 2>/dev/null) in
    ??S*) ;;
    *) return 1 ;;
    esac
}

# Names that lead to one file. A replaced subvolume has another device number, a replaced file another inode.
is_same() {
    identity=$(stat -L -c %d:%i -- "$1" 2>/dev/null) && [ "$identity" = "$(stat -L -c %d:%i -- "$2" 2>/dev/null)" ]
}

path_of() { # path_of SOURCE: the exported directory
    printf '%s%s\n' "$places" "${1%/*}"
}

# --- what is wrong with it

faults() {
    while IFS=$tab read -r volume source size clients; do
        fault=$(fault_of)
        [ -z "$fault" ] || printf 'wrong\t%s\t%s\n' "$volume" "$fault"
    done <"$work/wanted"
}

fault_of() { # the first one of $volume; nothing when it is as it shall be
    export_id=$(awk -F "$tab" -v volume="$volume" '$2 == volume { print $1 }' "$work/configured")
    if [ "$clients" = - ]; then
        [ -z "$export_id" ] || echo "is offered"
        return
    fi
    path=$(path_of "$source")
    if [ ! -f "$source" ]; then echo "$source is missing"
    elif [ -z "$export_id" ]; then echo "is not in $config"
    elif ! is_offered "$export_id" "$path"; then echo "is not offered"
    elif ! is_same "$source" "$path/disk"; then echo "serves a file that has been replaced"
    elif ! is_synchronous "$source"; then echo "is not synchronous: snapshots would lack acknowledged writes"
    elif [ "$(stat -c %u:%g:%a "$source")" != "0:$owner_id:660" ]; then echo "has an owner or mode of another hand"
    elif [ "$(stat -c %s "$source")" -lt "$size" ]; then echo "$source is smaller than $size bytes"
    else
        seen=$(observe_clients "$export_id")
        [ "$seen" = "$clients" ] || echo "is offered to ${seen:-nobody}, not to $clients"
    fi
}

# --- changes

require_sources() {
    while IFS=$tab read -r volume source size clients; do
        [ "$clients" != - ] || continue
        [ -f "$source" ] || refuse not-on-server "$source: no such file"
        bytes=$(stat -c %s "$source")
        [ "$bytes" -ge "$size" ] || refuse not-on-server "$source has $bytes bytes, not $size"
    done <"$work/wanted"
}

prepare_sources() {
    while IFS=$tab read -r volume source size clients; do
        [ "$clients" = - ] || prepare_source
    done <"$work/wanted"
}

# The group may write the disk and enter its directory, no more: clients cannot create, delete or chmod anything.
prepare_source() {
    chown "0:$owner_id" "${source%/*}" "$source"
    setfattr -n system.posix_acl_access -v "$directory_acl" -- "${source%/*}" 2>/dev/null || chmod 750 "${source%/*}"
    chmod 660 "$source"
    is_synchronous "$source" && return
    if ! chattr +S -- "$source" 2>"$work/chattr" || ! is_synchronous "$source"; then
        refuse pool-missing "$source cannot be made synchronous: snapshots would lack acknowledged writes"
    fi
    sync "$source"
}

# The lines of the others, then the wanted ones; an export keeps its number.
write_config() {
    cp "$config" "$work/before"
    awk -F "$tab" '$4 == "-" { print $1 }' "$work/wanted" >"$work/done"
    { lines_of others wanted "$work/before" && new_lines; } | replace_config
}

lines_of() { # lines_of listed|others LIST FILE: the lines of the volumes that are, or are not, in $work/LIST
    awk -v mode="$1" '
        FILENAME == ARGV[1] { listed[$1]; next }
        match($0, /Pseudo = "\/cgctl-[^"]*/) {
            if ((substr($0, RSTART + 17, RLENGTH - 17) in listed) == (mode == "listed")) print
        }' "$work/$2" "$3"
}

replace_config() {
    { echo "# Written by cgctl: do not edit. %include it from ganesha.conf." && cat; } >"$config.new"
    sync "$config.new"
    mv "$config.new" "$config"
}

# ganesha has refused a line: those of the volumes that it was not told of are again what they were.
take_back() {
    awk 'FILENAME == ARGV[1] { done[$1]; next } !($1 in done) { print $1 }' "$work/done" "$work/wanted" >"$work/pending"
    { lines_of others pending "$config" && lines_of listed pending "$work/before"; } | replace_config
    observe_configured
    unmount_unused
}

new_lines() {
    awk -F "$tab" -v places="$places" -v next_id="$first_export_id" -v owner="$owner_id" '
        FILENAME == ARGV[1] { used[$1]; next }
        FILENAME == ARGV[2] { used[$1]; own[$2] = $1; next }
        $4 == "-" { next }
        {
            export_id = own[$1]
            if (!export_id) {
                while (next_id in used) next_id++
                export_id = next_id
                used[export_id]
            }
            path = $2
            sub(/\/[^\/]*$/, "", path)
            printf "EXPORT { Export_Id = %d; Pseudo = \"/cgctl-%s\"; Path = \"%s%s\"; Access_Type = None; " \
                "Squash = All_Squash; Anonymous_Uid = %d; Anonymous_Gid = %d; SecType = sys; Protocols = 4; " \
                "Transports = TCP; FSAL { Name = VFS; } CLIENT { Clients = %s; Access_Type = RW; } }\n", \
                export_id, $1, places, path, owner, owner, $4
        }
    ' "$work/offered" "$work/configured" "$work/wanted"
}

# Ours in ganesha that are not in the configuration (any more): removed now, or left by a run that was killed.
remove_unconfigured() {
    while IFS=$tab read -r export_id path; do
        case $path in
        "$places"/*) awk -F "$tab" -v id="$export_id" -v path="$path" \
            '$1 == id && $3 == path { found = 1 } END { exit !found }' "$work/configured" || unexport ;;
        esac
    done <"$work/offered"
}

unexport() { # unexport $export_id, and prove that ganesha has let go of $path
    bus RemoveExport "uint16:$export_id" >"$work/answer" 2>&1 || fail "RemoveExport $export_id: $(cat "$work/answer")"
    tenths=0
    while is_open "$path/disk"; do
        tenths=$((tenths + 1))
        [ "$tenths" -lt "$close_wait_tenths" ] || fail "nfs-ganesha keeps $path/disk open"
        sleep 0.1
    done
}

is_open() {
    [ -e "$1" ] || return 1
    [ -n "$(find -L "/proc/$ganesha_pid/fd" -maxdepth 1 -samefile "$1" 2>/dev/null)" ]
}

observe_ganesha_pid() {
    ganesha_pid=$(dbus-send --system --print-reply --dest=org.freedesktop.DBus / \
        org.freedesktop.DBus.GetConnectionUnixProcessID string:org.ganesha.nfsd | sed -n 's/^ *uint32 //p')
}

# Each container of a wanted volume at its place. One that is there and not the same was replaced: a promoted or
# reverted subvolume has the old one's name.
mount_containers() {
    awk -F "$tab" '$4 != "-" { path = $2; sub(/\/[^\/]*\/[^\/]*$/, "", path); print path }' "$work/wanted" |
        sort -u >"$work/containers"
    while read -r container; do
        place=$places$container
        if is_same "$container" "$place"; then continue; fi
        release_place
        mkdir -p "$place"
        mount --bind "$container" "$place"
    done <"$work/containers"
}

# Never mount above a mount: the one below could not be renamed any more.
release_place() {
    while mountpoint -q "$place"; do
        observe_offered
        while IFS=$tab read -r export_id path; do
            case $path in "$place"/*) unexport ;; esac
        done <"$work/offered"
        umount "$place"
    done
}

# An update is an addition where it is missing. The others in a container that was mounted anew come back with it.
update_exports() {
    observe_offered
    while IFS=$tab read -r export_id volume path; do
        if is_wanted || ! is_offered "$export_id" "$path" && [ -d "$path" ]; then
            update_export
        fi
    done <"$work/configured"
}

update_export() { # $export_id of $volume
    if bus UpdateExport "string:$config" "string:EXPORT(Export_Id=$export_id)" >"$work/answer" 2>&1; then
        echo "$volume" >>"$work/done"
    else
        take_back
        fail "UpdateExport of $volume: $(paste -s -d ' ' "$work/answer")"
    fi
}

is_wanted() {
    awk -F "$tab" -v volume="$volume" '$1 == volume { found = 1 } END { exit !found }' "$work/wanted"
}

unmount_unused() {
    findmnt -rno TARGET | grep "^$places/" | while read -r place; do
        cut -f 3 "$work/configured" | grep -q "^$place/" || umount "$place"
    done
}

# --- actions

ensure() {
    require_sources
    exec 9>"$state/exports-ganesha.lock"
    flock -w "$lock_wait_seconds" 9 || refuse at-work "another command changes the exports for $lock_wait_seconds s"
    observe_offered
    observe_ganesha_pid
    prepare_sources
    observe_configured
    write_config
    observe_configured
    remove_unconfigured
    mount_containers
    update_exports
    unmount_unused
    observe_offered
    wrong=$(faults | sed 's/^wrong//' | paste -s -d ';' -)
    [ -z "$wrong" ] || fail "nfs exports:$wrong"
}

remove() {
    ensure
}

check() {
    observe_offered
    observe_configured
    grep -q "^[^#]*%include.*$config" "${config%/*}/ganesha.conf" 2>/dev/null || printf 'include\t%s\n' "$config"
    faults
    while IFS=$tab read -r export_id path; do
        case $path in "$places"/*) is_known || printf 'unknown\t%s\t%s\n' "$export_id" "$path" ;; esac
    done <"$work/offered"
}

is_known() { # $export_id belongs to a wanted volume
    volume=$(awk -F "$tab" -v id="$export_id" '$1 == id { print $2 }' "$work/configured")
    is_wanted
}

need dbus-send flock chattr lsattr findmnt mountpoint ganesha.nfsd
mkdir -p "$state"
work=$(mktemp -d "$state/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cat >"$work/wanted"
"$action"
