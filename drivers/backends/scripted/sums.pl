# What is in disks: `member ID BYTES`, and below it the SHA-256 of each CHUNK bytes, the last of which may be shorter.
#   sums.pl CHUNK [ID BYTES PATH]...
# All disks are opened before the first is read, so that whoever lets go of them meanwhile does not disturb. Between the
# lines stands `read DONE TOTAL`, every 16 MiB: how far it is. Who has nobody to tell it to ends (SIGPIPE).
use strict;
use warnings;
eval { require Digest::SHA }
    or do { print STDERR "cgctl-refused tool-missing: perl has no Digest::SHA: install the package perl\n"; exit 3 };

$| = 1;
$SIG{PIPE} = 'DEFAULT';
my $chunk = shift;
my ($total, $done, $told) = (0, 0, 0);
my @open;
while (my ($id, $bytes, $path) = splice @ARGV, 0, 3) {
    my $disk;
    unless (open $disk, '<:raw', $path) {
        die "$path: $!\n" unless $!{ENOENT};
        print STDERR "cgctl-refused not-on-server: $path has gone: $!\n";
        exit 3;
    }
    push @open, [$id, $bytes, $path, $disk];
    $total += $bytes;
}
sub tell_from {
    return if $done - $told < shift;
    print "read $done $total\n";
    $told = $done;
}
tell_from(0);
for (@open) {
    my ($id, $bytes, $path, $disk) = @$_;
    print "member $id $bytes\n";
    while ($bytes > 0) {
        my ($left, $sha) = ($chunk < $bytes ? $chunk : $bytes, Digest::SHA->new(256));
        $bytes -= $left;
        while ($left > 0) {
            my $count = sysread $disk, my $data, $left < 1048576 ? $left : 1048576;
            die "$path: $!\n" unless defined $count;
            die "$path ends too early\n" unless $count;
            $sha->add($data);
            $left -= $count;
            $done += $count;
            tell_from(16777216);
        }
        print $sha->hexdigest, "\n";
    }
}
tell_from(0);
