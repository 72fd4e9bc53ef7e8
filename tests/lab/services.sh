#!/bin/sh
# The services of a host, without an init system.
#   services.sh start|stop|continue|answers|wait SERVICE IP
set -eu
action=$1 service=$2 ip=$3

answers() {
    case $service in
    sshd) ss -Htln "src $ip:22" | grep -q . ;;
    tgtd) timeout 2 tgtadm --lld iscsi --mode system --op show ;;
    dbus) dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId ;;
    ganesha) dbus-send --system --print-reply --dest=org.ganesha.nfsd /org/ganesha/nfsd/ExportMgr \
        org.ganesha.nfsd.exportmgr.ShowExports ;;
    esac >/dev/null 2>&1
}

start() {
    case $service in
    sshd) /usr/sbin/sshd -E /mnt/log/sshd.log ;;
    tgtd) tgtd -p /run/tgtd.pid --iscsi "portal=$ip:3260" >>/mnt/log/tgtd.log 2>&1 ;;
    dbus) dbus-daemon --system --fork --nopidfile ;;
    ganesha) ganesha.nfsd -f /etc/ganesha/ganesha.conf -L /mnt/log/ganesha.log -p /run/ganesha/ganesha.pid ;;
    esac
}

process_name() {
    case $service in
    dbus) echo dbus-daemon ;;
    ganesha) echo ganesha.nfsd ;;
    *) echo "$service" ;;
    esac
}

# As a crash: SIGKILL, sessions too. Only this host's processes are in sight. What was forked while the first ones were
# looked up is met the next time. Whoever starts the service meanwhile has it killed: Host lets them take turns.
stop() {
    while pkill -KILL -x "$(process_name)"; do sleep 0.01; done
}

wait_for_answer() {
    tries=1000
    until answers; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || { echo "$service does not answer" >&2; exit 1; }
        sleep 0.01
    done
}

case $action in
start) start ;;
stop) stop ;;
continue) pkill -CONT -x "$(process_name)" || true ;;
answers) answers ;;
wait) wait_for_answer ;;
esac
