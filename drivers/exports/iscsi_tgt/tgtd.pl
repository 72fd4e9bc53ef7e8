# What tgtd is told and asked, and what it offers.
# It speaks tgtd's control protocol itself: tgtadm takes CHAP secrets as arguments, for every user of ps to read.
# Written for the perl that tgt brings (tgt-admin is perl); core modules only.
# Stands behind server.pl.
use Socket;

my $SOCKET = '/var/run/tgtd/socket.0';

# enum tgtadm_mode, tgtadm_op and tgtadm_errno (usr/tgtadm_error.h) of tgt 1.0.85
my %MODE = (target => 1, unit => 2, portal => 3, connection => 6, account => 7);
my %OP = (new => 0, delete => 1, show => 2, bind => 3, unbind => 4, update => 5);
my @ERROR = (
    'done', 'unknown error', 'out of memory', 'no such driver', 'no such target',
    'no such unit', 'no such session', 'no such connection', 'no such binding', 'target exists',
    'binding exists', 'unit exists', 'rule exists', 'no such rule', 'account exists',
    'no such account', 'too many accounts', 'invalid request', 'outgoing account exists', 'target is active',
    'unit is active', 'driver is busy', 'unsupported', 'unknown parameter', 'removal prevented',
);
my ($NO_SESSION, $NO_CONNECTION, $TARGET_EXISTS, $TARGET_ACTIVE, $UNIT_ACTIVE) = (6, 7, 9, 19, 20);

# --- tgtd

sub tgtd_connection {
    socket(my $socket, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
    connect($socket, pack_sockaddr_un($SOCKET)) or return;
    return $socket;
}

# One request is one connection; answers (error number, text).
sub ask {
    my $socket = tgtd_connection() or die "tgtd does not answer: $!\n";
    return answered($socket, @_);
}

sub answered {
    my ($socket, $mode, $op, $field, $text) = @_;
    my $data = defined $text ? "$text\0" : '';
    my $size = 120 + length $data;
    my $request = pack 'LLa64LlQQLLLLLL', $MODE{$mode}, $OP{$op}, 'iscsi', $size, $field->{tid} // -1,
        $field->{sid} // 0, $field->{lun} // ~0, $field->{cid} // 0, 0, 0, 0, 0, $field->{force} // 0;
    my $written = syswrite $socket, $request . $data;
    die "tgtd: request not sent\n" unless defined $written && $written == $size;
    my ($error, $length) = unpack 'LL', read_exactly($socket, 8);
    return ($error, $length > 8 ? read_exactly($socket, $length - 8) : '');
}

sub read_exactly {
    my ($socket, $count) = @_;
    my $bytes = '';
    while (length $bytes < $count) {
        my $got = sysread $socket, $bytes, $count - length $bytes, length $bytes;
        die "tgtd: answer cut short\n" unless $got;
    }
    return $bytes;
}

sub order {
    my ($what, @request) = @_;
    my ($error) = ask(@request);
    die "$what: tgtd: ", error_text($error), "\n" if $error;
}

sub error_text { return $ERROR[$_[0]] // "error $_[0]" }

# The process that serves, whose descriptors are the opened sources; nothing where it does not run. tgtd 1.0.85 takes the
# end of a connection without a request for "later" where the last error it met was that one, and then reads it for ever,
# with a whole processor: so who looks asks something, too.
sub tgtd_pid {
    my $socket = tgtd_connection() or return;
    my ($pid) = unpack 'L', getsockopt $socket, SOL_SOCKET, SO_PEERCRED;
    answered($socket, 'portal', 'show', {});
    return $pid;
}

# --- what is there

# Everything that tgtd offers: IQN => {tid, State, luns, accounts, acls, sessions}.
sub observe {
    my ($error, $text) = ask('target', 'show', {});
    die 'show targets: tgtd: ', error_text($error), "\n" if $error;
    my (%offered, %tids, $one, $section, $lun, $session);
    for (split /\n/, $text =~ s/\0.*//sr) {
        if (/^Target (\d+): (.+)$/) {
            # An initiator chooses its alias, which is shown here too: it shall not pass for a target.
            die "tgtd shows $2 ($1) twice\n" if $offered{$2} || $tids{$1}++;
            $one = $offered{$2} = {tid => $1, luns => {}, accounts => [], acls => [], sessions => []};
        }
        elsif (/^ {4}(\S.*):$/) { $section = $1 }
        elsif (/^ {8}LUN: (\d+)$/) { $lun = $one->{luns}{$1} = {} }
        elsif (/^ {8}I_T nexus: (\d+)$/) { push @{$one->{sessions}}, $session = {sid => $1, cids => []} }
        elsif (/^ {12}Initiator: (\S+)/) { $session->{initiator} = $1 }
        elsif (/^ {12}Connection: (\d+)$/) { push @{$session->{cids}}, $1 }
        elsif (/^ {12}([^:]+): ?(.*)$/) { $lun->{$1} = $2 if $lun }
        elsif (/^ {8}State: (\S+)$/) { $one->{state} = $1 }
        elsif (/^ {8}(\S+)/ && $section eq 'Account information') { push @{$one->{accounts}}, $1 }
        elsif (/^ {8}(\S+)$/ && $section eq 'ACL information') { push @{$one->{acls}}, $1 }
    }
    return \%offered;
}

sub observe_accounts {
    my ($error, $text) = ask('account', 'show', {});
    die 'show accounts: tgtd: ', error_text($error), "\n" if $error;
    return map { /^ {4}(\S+)$/ ? $1 : () } split /\n/, $text =~ s/\0.*//sr;
}

# The files that tgtd has open, as device:inode. A source that was replaced under its old name is not among them.
sub observe_open_files {
    my $pid = tgtd_pid() // die "tgtd does not answer: $!\n";
    my %open;
    for my $descriptor (glob "/proc/$pid/fd/*") {
        my @stat = stat $descriptor or next;
        $open{file_identity(@stat)} = 1;
    }
    return \%open;
}

# Block devices are told by their number, files by where they lie.
sub file_identity {
    my @stat = @_;
    return S_ISBLK($stat[2]) ? "block:$stat[6]" : "$stat[0]:$stat[1]";
}
