#!/bin/sh
# What ganesha answers over D-Bus, for tests/data/nfs_ganesha:
#   python -m tests.lab exec stor1 sh -s <tests/lab/capture_ganesha.sh
set -eu
conf=/etc/ganesha/cgctl-exports.conf

call() { # call METHOD ARGUMENT...
    method=$1
    shift
    echo "\$ dbus-send ... org.ganesha.nfsd.exportmgr.$method $*"
    status=0
    dbus-send --system --print-reply --dest=org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr \
        "org.ganesha.nfsd.exportmgr.$method" "$@" 2>&1 || status=$?
    echo "exit status $status"
}

add() { call AddExport "string:$conf" "string:EXPORT(Export_Id=$1)"; }
update() { call UpdateExport "string:$conf" "string:EXPORT(Export_Id=$1)"; }

block() { # block ID ACCESS [NAME]
    name=${3:-v$1}
    echo "EXPORT { Export_Id = $1; Path = /run/export/$name; Pseudo = /$name; Tag = $name; Access_Type = None;" \
        "Squash = no_root_squash; SecType = sys; Protocols = 4; Transports = TCP; FSAL { Name = VFS; }" \
        "CLIENT { Clients = 10.77.0.9; Access_Type = $2; Protocols = 4; } }"
}

device=$(findmnt -no SOURCE /srv/pool)
for name in v101 v102; do
    btrfs -q subvolume create "/srv/pool/$name" >/dev/null
    mkdir -p "/run/export/$name"
    mount -o "subvol=$name" "$device" "/run/export/$name"
done
echo '# no exports'
call ShowExports
echo '# add'
block 101 RW >$conf
add 101
echo '# add what is there'
add 101
echo '# add what is not in the file'
add 199
echo '# add a path that does not exist'
block 198 RW >$conf
add 198
echo '# add from a file with a syntax error'
echo 'EXPORT { Export_Id = 5 Path' >$conf
add 5
echo '# add from a file that does not exist'
rm $conf
add 101
echo '# add the same pseudo path under another id'
block 110 RW v101 >$conf
add 110
echo '# add a path inside the pool, without a mount of its own'
block 111 RW | sed 's|/run/export/v111|/srv/pool/v102|' >$conf
add 111
echo '# update to read-only'
block 101 RO >$conf
update 101
echo '# update of what is not there: adds it'
block 102 RW >$conf
update 102
echo '# show'
call ShowExports
call DisplayExport uint16:101
call DisplayExport uint16:102
call DisplayExport uint16:199
echo '# remove'
call RemoveExport uint16:101
echo '# remove what is not there'
call RemoveExport uint16:101
call RemoveExport uint16:0
echo '# ganesha is not running'
pkill -KILL -x ganesha.nfsd
sleep 0.2
call ShowExports
