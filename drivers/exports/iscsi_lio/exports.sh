# iSCSI exports by LIO.
#   exports.sh ensure|remove|check PORTAL PREFIX NAME TEXT...   what is wanted, and the secrets, come from stdin
# PREFIX: of all IQNs that are cgctl's. $start_py, the text of on_server/start.py, is set in front of this by server.py;
# NAME TEXT are the modules of on_server.
need python3
action=$1 portal=$2 prefix=$3
shift 3
for module in target_core_mod iscsi_target_mod; do
    [ -d "/sys/module/$module" ] || modprobe "$module" 2>/dev/null || refuse tool-missing "the kernel has no $module"
done

exec python3 -IB -c "${start_py:?}" "$@" -- "$action" "$portal" "$prefix"
