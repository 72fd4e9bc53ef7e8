# What stands around `send` and `receive` on their servers while a recovery point travels.
#   depart NOTE SILENCE COMPRESSION BYTES_PER_SECOND COUNT SSH... PROGRAM...
#       The program's output, compressed, at this pace, to the far side over SSH... (COUNT words); to standard output
#       with COUNT 0. Over ssh, standard output tells how many bytes have gone, once a second.
#   arrive NOTE SILENCE COMPRESSION DOOR PROGRAM...
#       What comes through the fifo DOOR (from standard input with `-`) is the program's input, expanded.
# Standard input, where it is not the stream, is a lifeline: it says `.` every few seconds, and `w` when nothing more is
# to come. When it ends, or is silent for SILENCE seconds, everything ends. NOTE: a file with the process that carries
# this group; one that still runs is of a cgctl that is gone, and is ended.
# Errors of the way: a line `cgctl-way none: TEXT` (it never opened) or `cgctl-way lost: TEXT` (it broke).
# Only modules of perl-base.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK O_RDONLY);
use POSIX ();

my $PIECE = 1 << 20;
my $SET_PIPE_SIZE = 1031;    # F_SETPIPE_SZ of fcntl(2)
my $READY_SECONDS = 20;
my $DOOR_SECONDS = 60;
my $BROKEN_PIPE = 141;
my %PACK = (zstd => [qw(zstd -q -1 -c)], gzip => [qw(gzip -1 -c)], none => []);
my %UNPACK = (zstd => [qw(zstd -q -d -c)], gzip => [qw(gzip -d -c)], none => []);

my ($mode, $note, $silence, $compression) = splice @ARGV, 0, 4;
my $ticks = POSIX::sysconf(&POSIX::_SC_CLK_TCK);
my $heard = now();           # when the lifeline was last heard
my $is_waiting = 0;          # it has said that nothing more is to come
my $group = 0;               # process group of all that was started here
my %status;                  # exit status by process id
my $has_lifeline = $mode eq 'depart' || $ARGV[0] ne '-';

$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { };        # wakes select
$SIG{$_} = sub { give_up("ended by a signal") } for qw(TERM HUP INT);
supersede();
exit($mode eq 'depart' ? depart() : arrive());

sub now { return (POSIX::times())[0] / $ticks }

sub complain { print STDERR "$_[0]\n"; return }

# Processes

sub run {                    # run INPUT OUTPUT WORDS...: a process id
    my ($input, $output, @words) = @_;
    defined(my $pid = fork) or die "fork: $!\n";
    if (!$pid) {
        setpgrp 0, $group;
        $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD TERM HUP INT);
        POSIX::dup2(fileno $input, 0);
        POSIX::dup2(fileno $output, 1);
        exec {$words[0]} @words or complain("$words[0]: $!");
        POSIX::_exit(127);
    }
    $group ||= $pid;
    setpgrp $pid, $group;
    return $pid;
}

sub new_pipe {
    pipe my $reader, my $writer or die "pipe: $!\n";
    fcntl $writer, $SET_PIPE_SIZE, $PIECE;    # a smaller one does as well
    binmode $_ for $reader, $writer;
    return $reader, $writer;
}

sub reap {                   # take notice of what has ended
    while ((my $pid = waitpid -1, POSIX::WNOHANG()) > 0) {
        $status{$pid} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
    }
    return;
}

sub wait_for {               # wait_for PIDS...: the first status that is none of success
    my @pids = @_;
    while (reap(), grep { !exists $status{$_} } @pids) { listen_for(0.1) }
    for (@pids) { return $status{$_} if $status{$_} }
    return 0;
}

sub give_up {
    complain($_[0]);
    end_all();
    release();
    POSIX::_exit(1);
}

sub end_all {
    return if !$group;
    for my $signal (qw(TERM KILL)) {
        kill $signal, -$group or return;
        for (1 .. 30) {
            reap();
            kill 0, -$group or return;
            select undef, undef, undef, 0.1;
        }
    }
    return;
}

# The note: one carrier for a group, the newest

sub started_at {             # field 22 of /proc/PID/stat: a number that is used again is told by it
    open my $file, '<', "/proc/$_[0]/stat" or return '';
    my ($after) = (<$file> // '') =~ /.*\)(.*)/;
    return (split ' ', $after // '')[19] // '';
}

sub supersede {
    if (open my $file, '<', $note) {
        my ($pid, $started) = split ' ', <$file> // '';
        if ($pid && $started && started_at($pid) eq $started) {
            kill 'TERM', $pid;
            for (1 .. 80) {
                last if started_at($pid) ne $started;
                select undef, undef, undef, 0.1;
            }
        }
    }
    open my $file, '>', $note or return;
    print $file "$$ ", started_at($$), "\n";
    close $file;
    return;
}

sub release { unlink $note; return }

# The lifeline

sub listen_for {             # listen_for SECONDS [READERS WRITERS]: what select found, after the lifeline was read
    my ($seconds, $readers, $writers) = @_;
    my $wanted = $readers // '';
    vec($wanted, 0, 1) = 1 if $has_lifeline && !$is_waiting;
    my $found = select $wanted, $writers, undef, $seconds;
    if ($found <= 0) { $wanted = ''; $writers = '' }
    if ($has_lifeline && !$is_waiting) {
        if (vec($wanted, 0, 1)) {
            sysread STDIN, my $said, 4096 or give_up("cgctl is gone: the transfer is ended");
            $heard = now();
            $is_waiting = 1 if $said =~ /w/;
        }
        give_up("nothing was heard of cgctl for $silence s: the transfer is ended") if now() - $heard > $silence;
    }
    return $wanted, $writers;
}

sub bit { my $bits = ''; vec($bits, fileno $_[0], 1) = 1; return $bits }

# Departure

sub depart {
    my ($pace, $count) = splice @ARGV, 0, 2;
    my @ssh = splice @ARGV, 0, $count;
    my ($answers, $out, $way) = (undef, \*STDOUT, 0);
    if (@ssh) { ($way, $out, $answers) = open_way(@ssh) }
    open my $nothing, '<', '/dev/null' or die "/dev/null: $!\n";
    my @programs = grep { @$_ } [@ARGV], $PACK{$compression};
    my $last = $way || $pace ? undef : pop @programs;
    my ($data, @pids) = ($nothing);
    for my $program (@programs) { ($data, my $pid) = piped($data, @$program); push @pids, $pid }
    return left_alone($data, $last, @pids) if $last;
    my $flags = fcntl $out, F_GETFL, 0;
    fcntl $out, F_SETFL, $flags | O_NONBLOCK;
    my $is_cut = pass_on($data, $out, $pace, $way);
    fcntl $out, F_SETFL, $flags + 0;    # others write to it after us
    close $data;
    my $failed = wait_for(@pids);
    if ($way) {
        close $out;
        my $status = wait_for($way);
        if ($status == 255 || $status == 4) { complain("cgctl-way lost: ssh ended with $status"); $failed = 1 }
        elsif ($status) { $is_cut = 1 }
    }
    release();
    return $is_cut ? $BROKEN_PIPE : $failed;
}

sub piped {                  # piped INPUT WORDS...: (its output, process)
    my ($input, @words) = @_;
    my ($output, $into) = new_pipe();
    my $pid = run($input, $into, @words);
    close $_ for $input, $into;
    return $output, $pid;
}

sub left_alone {             # no pace to keep, and nothing to tell: the last program writes what goes out itself
    my ($data, $last, @pids) = @_;
    unshift @pids, run($data, \*STDOUT, @$last);
    close $data;
    my $failed = wait_for(@pids);
    release();
    return $failed;
}

sub open_way {               # (process, what it reads, what it says); the far side says `ready` when its door is open
    my ($into, $out) = new_pipe();
    my ($answers, $says) = new_pipe();
    my $pid = run($into, $says, @_);
    close $into;
    close $says;
    my ($said, $until) = ('', now() + $READY_SECONDS);
    while ($said !~ /^ready$/m) {
        my ($readable) = listen_for(0.5, bit($answers), undef);
        if (vec($readable, fileno $answers, 1)) { sysread $answers, $said, 4096, length $said or last }
        last if now() > $until;
    }
    return $pid, $out, $answers if $said =~ /^ready$/m;
    end_all();
    complain("cgctl-way none: " . ($status{$pid} ? "ssh ended with $status{$pid}" : "the far side does not answer"));
    release();
    POSIX::_exit(1);
}

sub pass_on {                # whether nobody reads it any more
    my ($data, $out, $pace, $tells) = @_;
    my ($passed, $free_at, $told_at, $buffer, $offset) = (0, now(), 0, '', 0);
    my $piece = $pace && $pace / 10 < $PIECE ? int($pace / 10) + 1 : $PIECE;
    while (1) {
        if ($tells && now() - $told_at >= 1) { tell_passed($passed); $told_at = now() }
        if ($offset >= length $buffer) {
            my $wait = $pace ? $free_at - now() : 0;
            if ($wait > 0) { listen_for($wait < 0.5 ? $wait : 0.5); next }
            my ($readable) = listen_for(0.5, bit($data), undef);
            next if !vec($readable, fileno $data, 1);
            my $count = sysread $data, $buffer, $piece;
            next if !defined $count && $!{EINTR};
            last if !$count;
            $offset = 0;
        }
        my $count = syswrite $out, $buffer, length($buffer) - $offset, $offset;
        if (defined $count) {
            $passed += $count;
            $offset += $count;
            if ($pace) { $free_at = ($free_at > now() - 0.1 ? $free_at : now() - 0.1) + $count / $pace }
        }
        elsif ($!{EAGAIN}) { listen_for(0.5, undef, bit($out)) }
        elsif (!$!{EINTR}) { return 1 }
    }
    tell_passed($passed) if $tells;
    return 0;
}

sub tell_passed {            # long lines: the reader holds back what could be the beginning of a mark
    local $| = 1;
    printf "%d %s\n", $_[0], '-' x 100;
    return;
}

# Arrival

sub arrive {
    my $door = shift @ARGV;
    my $data = $door eq '-' ? \*STDIN : open_door($door);
    my @pids;
    if (my @words = @{$UNPACK{$compression}}) {
        my ($expanded, $into) = new_pipe();
        push @pids, run($data, $into, @words);
        close $into;
        $data = $expanded;
    }
    push @pids, run($data, \*STDOUT, @ARGV);
    close $data;
    my $receiver = pop @pids;
    my $failed = wait_for($receiver);
    end_all() if grep { !exists $status{$_} } @pids;    # what expands has nobody to write to any more
    release();
    return $failed;
}

sub open_door {
    my $door = $_[0];
    my ($inbox) = $door =~ m{(.*)/};
    POSIX::mkfifo($door, 0600) or die "$door: $!\n";
    chown((stat $inbox)[4, 5], $door);
    sysopen my $data, $door, O_RDONLY | O_NONBLOCK or die "$door: $!\n";
    my $until = now() + $DOOR_SECONDS;
    my $readable = '';
    while (!vec($readable, fileno $data, 1)) {
        ($readable) = listen_for(0.5, bit($data), undef);
        if (now() > $until) { unlink $door; give_up("cgctl-way none: nobody came to the door within $DOOR_SECONDS s") }
    }
    unlink $door;
    fcntl $data, F_SETFL, (fcntl $data, F_GETFL, 0) & ~O_NONBLOCK;
    fcntl $data, $SET_PIPE_SIZE, $PIECE;
    return $data;
}
