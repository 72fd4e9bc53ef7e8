# NFSv4 exports by the kernel's server.
#   exports.sh ensure|remove|check CONFIG PLACES PORT     what is wanted comes from stdin; see volume.pl
# $exports_pl, the text of the program, is set in front of this by server.py.
need perl exportfs mount umount

CGCTL_PROGRAM=${exports_pl:?}
export CGCTL_PROGRAM
exec perl -e "$exports_pl" -- "$@"
