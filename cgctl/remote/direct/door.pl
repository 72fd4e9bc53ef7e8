# The forced command of a key that cgctl enrolled: what is all that the key can do. It passes its standard input on to the
# fifo in INBOX that a receive of cgctl's has made and waits at; which of them is the word that ssh was given.
#   door.pl INBOX
# Exit status: 2 no such fifo, 4 nothing came for ten minutes, 5 the receive has ended.
use strict;
use warnings;
use Fcntl qw(O_NONBLOCK O_WRONLY F_GETFL F_SETFL);

my $piece = 1 << 20;
my ($word) = ($ENV{SSH_ORIGINAL_COMMAND} // '') =~ /^([0-9a-f]{32})$/ or exit 2;
my $door = "$ARGV[0]/$word";
$SIG{PIPE} = 'IGNORE';
my $out;
for (1 .. 150) {             # the receive may be slower than ssh
    last if -p $door && sysopen $out, $door, O_WRONLY | O_NONBLOCK;
    select undef, undef, undef, 0.1;
}
$out or exit 2;
fcntl $out, F_SETFL, (fcntl $out, F_GETFL, 0) & ~O_NONBLOCK;
fcntl $out, 1031, $piece;    # F_SETPIPE_SZ of fcntl(2)
$| = 1;
print "ready\n";
while (1) {
    my $bits = '';
    vec($bits, 0, 1) = 1;
    select $bits, undef, undef, 600 or exit 4;
    my $count = sysread STDIN, my ($buffer), $piece;
    defined $count or exit 4;
    $count or exit 0;
    for (my $offset = 0 ; $offset < $count ;) {
        $offset += syswrite($out, $buffer, $count - $offset, $offset) || exit 5;
    }
}
