# What the programs of export servers begin with: refusals, one run at a time, other programs. Core modules only.
use strict;
use warnings;
use Fcntl qw(:DEFAULT :flock :seek :mode);
use IO::Handle;
use Time::HiRes qw(sleep time);

my $STATE_DIRECTORY = '/run/cgctl';
my $LOCK_WAIT_SECONDS = 60;

# A word of drivers/refusals.py; the server is as it was.
sub refuse {
    my ($word, $text) = @_;
    print STDERR "cgctl-refused $word: $text\n";
    exit 3;
}

# Held until the handle that it returns is gone.
sub take_lock {
    my ($name) = @_;
    mkdir $STATE_DIRECTORY, 0700;
    sysopen my $lock, "$STATE_DIRECTORY/exports-$name.lock", O_RDWR | O_CREAT, 0600 or die "lock: $!\n";
    my $until = time + $LOCK_WAIT_SECONDS;
    until (flock $lock, LOCK_EX | LOCK_NB) {
        refuse('at-work', "another command changes the exports for $LOCK_WAIT_SECONDS s") if time > $until;
        sleep 0.02;
    }
    return $lock;
}

# Answers (exit status, everything that it printed on one line).
sub run {
    my @argv = @_;
    my $pid = open(my $output, '-|') // die "fork: $!\n";
    if (!$pid) {
        open STDERR, '>&', \*STDOUT;
        exec { $argv[0] } @argv or exit 127;
    }
    my $text = join '', <$output>;
    close $output;
    chomp $text;
    return ($?, $text =~ s/\n/ /gr, $text);
}

sub read_text {
    my ($path) = @_;
    open my $file, '<', $path or return '';
    return join '', <$file>;
}
