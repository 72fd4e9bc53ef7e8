# known.sh DIRECTORY ID write|remove: a list for send.pl, from standard input, in a file that send.pl removes.
cd -- "$1" 2>/dev/null || refuse not-on-server "$1 is not there"
if [ "$3" = remove ]; then
    rm -f "known-$2" "known-$2.new"
    exit 0
fi
cat >"known-$2.new"
mv -f "known-$2.new" "known-$2"
