# A crew of processes that read, prove and pack chunks side by side, while what they make goes out in the order in which
# it was asked for. It stands in front of send.pl and read.pl.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my $CHUNK = 4 * 1024 * 1024;
my $ZERO = "\0" x $CHUNK;
my $SET_PIPE_SIZE = 1031;    # F_SETPIPE_SZ of fcntl(2); a smaller pipe does as well
my $MOST = 4;
my @crew;                    # of each: [process, its orders, its answers]

sub refuse { print STDERR "cgctl-refused $_[0]: $_[1]\n"; exit 3 }

sub emit {
    my ($data) = @_;
    for (my $done = 0; $done < length $$data;) {
        my $count = syswrite STDOUT, $$data, length($$data) - $done, $done;
        exit 141 if !defined $count && $!{EPIPE};    # whoever reads says why
        refuse('refused', "the stream cannot be written: $!") unless defined $count;
        $done += $count;
    }
}

# hire WORK: WORK(ORDER) answers (LINE), or (LINE, \DATA): data that go out when their turn comes.
sub hire {
    my ($work) = @_;
    binmode STDOUT;
    $SIG{PIPE} = 'IGNORE';
    fcntl STDOUT, $SET_PIPE_SIZE, 1 << 20;
    my $processors = 1;
    if (open my $file, '<', '/proc/cpuinfo') { $processors = grep { /^processor\s/ } <$file> }
    for (0 .. ($processors < $MOST ? $processors : $MOST)) {
        pipe my $orders, my $to or refuse('refused', "pipe: $!");
        pipe my $from, my $answers or refuse('refused', "pipe: $!");
        my $child = fork // refuse('refused', "fork: $!");
        if (!$child) {
            close $_ for $to, $from, map { @$_[1, 2] } @crew;
            obey($work, $orders, $answers);
        }
        close $_ for $orders, $answers;
        push @crew, [$child, $to, $from];
    }
}

sub obey {
    my ($work, $orders, $answers) = @_;
    $_->autoflush for $answers;
    while (defined(my $order = <$orders>)) {
        chomp $order;
        my ($line, $data) = $work->($order);
        print $answers "$line\n" or exit 141;
        next unless $data;
        my $word = <$orders> // exit 141;
        next if $word ne "go\n";
        emit($data);
        print $answers "gone\n" or exit 141;
    }
    exit 0;
}

# heard MEMBER: its next line; one that is gone has said why itself, and its end is ours.
sub heard {
    my ($member) = @_;
    my $line = readline $member->[2];
    if (!defined $line) {
        waitpid $member->[0], 0;
        exit($? & 127 ? 128 + ($? & 127) : $? >> 8 || 1);
    }
    chomp $line;
    return $line;
}

sub say_to {
    my ($member, $line) = @_;
    my $pipe = $member->[1];
    $pipe->autoflush;
    print $pipe "$line\n" or heard($member);
}

# in_order NEXT TAKE: NEXT() is the next order, an array: (ORDER for the crew or undef, whatever TAKE has to know); it is
# empty at the end. TAKE(LINE of the answer or undef, ...) is called for each in turn; when it says true, the data go out.
sub in_order {
    my ($next, $take) = @_;
    my ($number, $more, @asked) = (0, 1);
    while ($more || @asked) {
        while ($more && @asked < @crew) {
            my @order = $next->();
            $more = @order or last;
            my $member = defined $order[0] ? $crew[$number++ % @crew] : undef;
            say_to($member, $order[0]) if $member;
            push @asked, [$member, @order];
        }
        my ($member, $order, @rest) = @{shift @asked // last};
        my $line = $member ? heard($member) : undef;
        my $goes = $take->($line, @rest);
        next unless $member && $line =~ /^data /;
        say_to($member, $goes ? 'go' : 'stay');
        heard($member) if $goes;
    }
}
