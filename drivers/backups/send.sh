# send.sh KNOWN_FILE ALGORITHM [MEMBER BYTES PATH]...: images to standard output, see send.pl.
# $send_pl, the text of send.pl, is set in front of this by repository.py.
need perl
exec perl -e "${send_pl:?}" -- "$@"
