#!/bin/sh
# Process 1 of a storage host: private mounts, the pool, the services; then it reaps orphans for ever.
#   init.sh NAME IP DIRECTORY
# The host sees its DIRECTORY as /mnt.
set -eu
name=$1 ip=$2 directory=$3
pool_bytes=8G store_bytes=20G

# /proc is still the machine's: the first field is this process's number there.
read -r pid _ </proc/self/stat
echo "$pid" >"$directory/pid"

private() { # private DIRECTORY PLACE: what the host keeps for itself across restarts
    mount --bind "$directory/$1" "$2"
}

make_xfs() { # the file system that can reflink a pool's image: a power loss is a copy of it
    truncate -s "$store_bytes" "$directory/store.img"
    mkfs.xfs -q -K -m reflink=1 "$directory/store.img"
}

make_pool() {
    truncate -s "$pool_bytes" "$directory/store/pool.img"
    mkfs.btrfs -q -K -L "$name" "$directory/store/pool.img"
}

mount -t proc proc /proc
hostname "$name"
[ -e "$directory/store.img" ] || make_xfs
mount -o loop,noatime "$directory/store.img" "$directory/store"
if [ -e "$directory/store/crash.img" ]; then
    mv "$directory/store/crash.img" "$directory/store/pool.img"
fi
[ -e "$directory/store/pool.img" ] || make_pool
mount -t tmpfs tmpfs /srv
mkdir /srv/pool
mount -o loop,noatime "$directory/store/pool.img" /srv/pool

mount -o bind,ro /var/lib/dpkg "$directory/var-lib/dpkg"
mount --rbind "$directory" /mnt
private etc /etc
private root /root
private home /home
mount --rbind "$directory/var-lib" /var/lib
umount -R -l /run/netns # else this host would keep the namespaces of other labs alive
mount -t tmpfs tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir /run/sshd /run/tgtd /run/ganesha /run/dbus /run/lock

export HOME=/root
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
cd /
for service in sshd tgtd dbus ganesha; do
    sh /mnt/services.sh start "$service" "$ip"
done
for service in tgtd ganesha; do
    sh /mnt/services.sh wait "$service" "$ip"
done
: >/mnt/ready

while :; do
    sleep 3600 &
    wait $!
done
