# checksums.sh ... GROUP POINT CHUNK: `member ID SIZE`, and below it the SHA-256 of each CHUNK bytes, for every disk of a point.
# All disks are opened before the first is read, so that a sync may let go of the point meanwhile.
# shellcheck disable=SC2016 # perl's variables
own
is_marked "$1" || refuse not-on-server "recovery point $1 is not in the pool"
need perl
perl -MDigest::SHA -e 1 2>/dev/null || refuse tool-missing "perl has no Digest::SHA: install the package perl"
perl -MDigest::SHA -e '
    my $chunk = shift;
    my @open = map { open my $disk, "<:raw", $_ or die "$_: $!\n"; [$_, $disk] } @ARGV;
    for (@open) {
        my ($path, $disk) = @$_;
        my ($id) = $path =~ m{/cgctl-([^/]+)/disk$};
        print "member $id ", -s $disk, "\n";
        while (1) {
            my ($left, $sha) = ($chunk, Digest::SHA->new(256));
            while ($left > 0) {
                my $count = sysread $disk, my $data, $left < 1048576 ? $left : 1048576;
                die "$path: $!\n" unless defined $count;
                last unless $count;
                $sha->add($data);
                $left -= $count;
            }
            last if $left == $chunk;
            print $sha->hexdigest, "\n";
        }
    }' "$2" "groupsnap/cgctl-$1"/cgctl-*/disk
