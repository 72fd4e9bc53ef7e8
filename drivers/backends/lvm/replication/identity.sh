# identity.sh ... GROUP POINT FORM: what a receiver of the point will know it by; that the data are the same, the stream proves.
# shellcheck disable=SC2034,SC2154,SC2329 # of pool.sh and notes.sh: their variables, and `undo`, which the trap calls
own
marked_or_refuse "$1"
echo "$1"
