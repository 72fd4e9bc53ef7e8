# iSCSI exports by tgt.
#   exports.sh ensure|remove|check PORTAL     what is wanted, and the secrets, come from stdin; see exports.pl
# $exports_pl, the text of tgtd.pl and exports.pl, is set in front of this by server.py.
need perl tgtd

exec perl -e "${exports_pl:?}" -- "$@"
