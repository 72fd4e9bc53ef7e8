#!/bin/sh
# build.sh RECIPE OUT [SOURCES]: from Debian packages to OUT/{base.img,kernel,initrd}, which boot by quick-init or by systemd.
# OUT/client.pub, OUT/token and OUT/hostkeys/NAME/ssh_host_ed25519_key* are there already. SOURCES: an apt sources file; without it
# mmdebstrap's own default.
set -eu
recipe=$1 out=$2 sources=${3-}
root=$out/root
export LC_ALL=C.UTF-8 TZ=UTC0

# INITRD=No: Debian's initramfs takes a minute to build and seconds to boot; make_initrd below has the seven modules.
make_root() {
    include=$(grep -v '^#' "$recipe/packages" | tr '\n' ,)
    INITRD=No mmdebstrap --quiet --variant=minbase --mode=root --include="${include%,}" \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' --aptopt='APT::Install-Recommends "false"' \
        bookworm "$root" ${sources:+"$sources"}
}

install_files() {
    install -D -m 755 -t "$root/usr/local/sbin" "$recipe/quick-init" "$recipe/lab-agent" "$recipe/lab-identity" "$recipe/lab-storage"
    install -m 644 "$recipe/sshd.conf" "$root/etc/ssh/sshd_config.d/lab.conf"
    install -m 644 "$recipe/nfs.conf" "$root/etc/nfs.conf.d/lab.conf"
    install -m 644 "$recipe/modules" "$root/etc/modules-load.d/lab.conf"
    install -m 644 "$recipe/inittab" "$root/etc/inittab"
    install -m 644 "$recipe/lab-identity.service" "$recipe/lab-agent.service" "$root/etc/systemd/system/"
    install -m 440 "$recipe/sudoers" "$root/etc/sudoers.d/lab"
    install -d -m 700 "$root/etc/lab"
    cp -R "$out/hostkeys" "$out/token" "$root/etc/lab/"
    rm -f "$root"/etc/ssh/ssh_host_* "$root/etc/resolv.conf"
    echo '127.0.0.1 localhost' >"$root/etc/hosts"
    echo '/dev/vda / ext4 rw,noatime 0 1' >"$root/etc/fstab"
    mkdir -p "$root/etc/target" "$root/etc/rtslib-fb-target/backup" "$root/etc/target/backup" "$root/srv"
}

# Two users as on a real server: root, and an operator who becomes root by sudo. '*': no password, but not locked.
make_users() {
    chroot "$root" useradd --create-home --shell /bin/bash --password '*' cgctl
    chroot "$root" usermod --password '*' root
    for home in root home/cgctl; do
        install -d -m 700 "$root/$home/.ssh"
        install -m 600 "$out/client.pub" "$root/$home/.ssh/authorized_keys"
    done
    chroot "$root" chown -R cgctl:cgctl /home/cgctl/.ssh
}

# lvm.conf is Debian's with the accept-list that hides gates; lvm.quick.conf is for a guest without udevd.
configure_lvm() {
    cp "$root/etc/lvm/lvm.conf" "$out/lvm.debian.conf"
    filter='global_filter = [ "a!^/dev/(vd|sd|nvme|md|mapper/mpath)!", "r|.*|" ]'
    sed -i "s%^devices {%&\n\t$filter%" "$root/etc/lvm/lvm.conf"
    sed 's/^[#\t ]*\(udev_sync\|udev_rules\|obtain_device_list_from_udev\|monitoring\|event_activation\) = .*/\t\1 = 0/' \
        "$root/etc/lvm/lvm.conf" >"$root/etc/lvm/lvm.quick.conf"
}

configure_systemd() {
    chroot "$root" systemctl --quiet enable lab-identity lab-agent ssh nfs-server rtslib-fb-targetctl
    chroot "$root" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
        e2scrub_all.timer e2scrub_reap.service fstrim.timer nfs-blkmap.service getty@tty1.service \
        rpcbind.service rpcbind.socket rpc-statd.service systemd-timesyncd.service
    ln -sf /dev/null "$root/etc/systemd/network/99-default.link"
}

make_initrd() {
    modules=$1/kernel/drivers
    mkdir -p "$out/ird/bin" "$out/ird/proc" "$out/ird/sys" "$out/ird/dev" "$out/ird/root"
    cp "$root/bin/busybox" "$out/ird/bin/"
    install -m 755 "$recipe/initrd-init" "$out/ird/init"
    # In this order; ext4 is part of Debian's cloud kernel.
    number=0
    for module in virtio/virtio_ring virtio/virtio virtio/virtio_pci_legacy_dev virtio/virtio_pci_modern_dev \
        virtio/virtio_pci virtio/virtio_mmio block/virtio_blk; do
        cp "$modules/$module.ko" "$out/ird/$number-${module#*/}.ko"
        number=$((number + 1))
    done
    (cd "$out/ird" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$out/initrd"
}

make_root
install_files
make_users
configure_lvm
configure_systemd
kernel_modules=$(echo "$root"/lib/modules/*)
cp "$root"/boot/vmlinuz-* "$out/kernel"
make_initrd "$kernel_modules"
rm -rf "$root"/var/cache/apt/archives/* "$root"/var/lib/apt/lists/* "${root:?}"/boot/*
mke2fs -q -t ext4 -E lazy_itable_init=1,lazy_journal_init=1 -m 0 -d "$root" "$out/base.img" 2G
rm -rf "$root" "$out/ird"
