# Targets of tgtd: ensure, remove or check them, all in one process.
#   exports.pl ensure|remove|check PORTAL     reads from stdin, fields separated by tabs:
#     export VOLUME SOURCE SIZE_BYTES SERIAL WWN GUARD
#     access INITIATOR USER SECRET SEAL       (of the export above)
#   GUARD, USER, SECRET and SEAL are empty without CHAP.
# Stands behind server.pl and tgtd.pl, in one program.

my $PREFIX = 'iqn.2026-11.io.cgctl:';
my $DELETE_WAIT_SECONDS = 10;

# --- what is wrong with it

# tgtd's own rounding (usr/target.c, print_disksize); the only size that it shows.
sub shown_size {
    use integer;
    my $sectors = $_[0] / 512;
    return ($sectors - ($sectors / 625 - 974)) / 1950 . ' MB, Block size: 512';
}

# Reasons to delete the target and make it anew.
sub unit_faults {
    my ($export, $seen, $open_files) = @_;
    my @stat = stat $export->{source} or return "source $export->{source} is missing";
    my $lun = $seen->{luns}{1} or return 'has no LUN 1';
    my %right = (
        'Type' => 'disk', 'Backing store type' => 'rdwr', 'Backing store path' => $export->{source},
        'Backing store flags' => 'direct', 'Readonly' => 'No', 'Online' => 'Yes',
        'SCSI ID' => $export->{wwn}, 'SCSI SN' => $export->{serial},
        'Size' => shown_size(source_size($export->{source})),
    );
    my @faults = map { "$_ is '" . ($lun->{$_} // '') . "', not '$right{$_}'" }
        grep { ($lun->{$_} // '') ne $right{$_} } sort keys %right;
    push @faults, 'serves a file that has been replaced' unless $open_files->{file_identity(@stat)};
    push @faults, "is $seen->{state}" if $seen->{state} ne 'ready';
    push @faults, 'has more than LUN 1' if keys %{$seen->{luns}} > 2;
    push @faults, 'has no guard' if length $export->{guard} && ($seen->{accounts}[0] // '') ne $export->{guard};
    return @faults;
}

sub source_size {
    my ($path) = @_;
    sysopen my $file, $path, O_RDONLY or die "$path: $!\n";
    return sysseek($file, 0, SEEK_END) + 0;
}

# In the order in which they are bound. The guard and the seals are accounts that nobody can use: their secrets are
# random and thrown away. The guard stays, so that CHAP is asked at every moment, also while an account is made anew.
# A seal goes before its account; its name holds a digest of the secret, which tgtd never shows.
sub wanted_accounts {
    my ($export) = @_;
    return grep { length } $export->{guard}, map { @$_{qw(seal user)} } @{$export->{accesses}};
}

sub wanted_initiators { return map { $_->{initiator} } @{$_[0]{accesses}} }

sub without {
    my ($all, @out) = @_;
    my %out = map { $_ => 1 } @out;
    return grep { !$out{$_} } @$all;
}

sub unwanted_sessions {
    my ($export, $seen) = @_;
    my %wanted = map { $_ => 1 } wanted_initiators($export);
    return grep { !$wanted{$_->{initiator} // ''} } @{$seen->{sessions}};
}

sub access_faults {
    my ($export, $seen) = @_;
    my @accounts = wanted_accounts($export);
    my @initiators = wanted_initiators($export);
    return (
        (map { "account $_ is missing" } without(\@accounts, @{$seen->{accounts}})),
        (map { "account $_ is too many" } without($seen->{accounts}, @accounts)),
        (map { "$_ has no access" } without(\@initiators, @{$seen->{acls}})),
        (map { "$_ has access" } without($seen->{acls}, @initiators)),
        (map { ($_->{initiator} // '?') . ' is logged in' } unwanted_sessions($export, $seen)),
    );
}

sub faults {
    my ($export, $seen, $open_files) = @_;
    return $seen ? ('is offered') : () unless @{$export->{accesses}};
    return 'is not offered' unless $seen;
    return (unit_faults($export, $seen, $open_files), access_faults($export, $seen));
}

# --- changes

# Offline first: it drops the commands that run, and no initiator can log in again.
sub destroy {
    my ($iqn, $seen) = @_;
    order("$iqn offline", 'target', 'update', {tid => $seen->{tid}}, 'state=offline');
    my $until = time + $DELETE_WAIT_SECONDS;
    while (1) {
        my ($error) = ask('target', 'delete', {tid => $seen->{tid}, force => 1});
        last unless $error;
        my $busy = $error == $TARGET_ACTIVE || $error == $UNIT_ACTIVE;
        die "delete $iqn: tgtd: ", error_text($error), "\n" unless $busy && time < $until;
        sleep 0.02;
    }
}

sub delete_account { order("delete account $_[0]", 'account', 'delete', {}, "user=$_[0]") }

# Accounts outlive their targets. Ours are those that our targets had, and what a killed run left (told by the name).
sub delete_unused_accounts {
    my ($offered, @had) = @_;
    my %had = map { $_ => 1 } @had;
    my @used = map { @{$_->{accounts}} } values %$offered;
    delete_account($_) for grep { $had{$_} || /^cgctl-/ } without([observe_accounts()], @used);
}

sub new_tid {
    my ($iqn, $offered) = @_;
    my %used = map { $_->{tid} => 1 } values %$offered;
    my $tid = 1;
    while (1) {
        $tid++ while $used{$tid};
        my ($error) = ask('target', 'new', {tid => $tid}, "targetname=$iqn");
        return $tid unless $error;
        die "new $iqn: tgtd: ", error_text($error), "\n" unless $error == $TARGET_EXISTS && $tid < 65535;
        $used{$tid} = 1; # taken by somebody who does not know our lock
    }
}

# Nobody may log in yet: a target without rules admits nobody.
sub create {
    my ($export, $iqn, $offered) = @_;
    my $tid = new_tid($iqn, $offered);
    my $unit = {tid => $tid, lun => 1};
    order("LUN of $iqn", 'unit', 'new', $unit, "path=$export->{source},bstype=rdwr,bsoflags=direct");
    order("identity of $iqn", 'unit', 'update', $unit,
        "targetOps vendor_id=CGCTL,product_id=VOLUME,scsi_id=$export->{wwn},scsi_sn=$export->{serial}");
    return $offered->{$iqn} = {tid => $tid, luns => {}, accounts => [], acls => [], sessions => []};
}

# tgtd 1.0.85 dies of `show` while an account is missing before the last one that is bound (usr/target.c: account_ctl
# leaves a hole, the loop of show runs into it). So the last is always unbound first, and what follows is bound again.
sub authenticate {
    my ($export, $seen) = @_;
    my @wanted = wanted_accounts($export);
    my @bound = @{$seen->{accounts}};
    my $same = 0;
    $same++ while $same < @wanted && $same < @bound && $wanted[$same] eq $bound[$same];
    my @unbound = splice @bound, $same;
    order("unbind account $_", 'account', 'unbind', {tid => $seen->{tid}}, "user=$_") for reverse @unbound;
    my %valid = valid_accounts($export, @unbound);
    my %secret = map { $_->{user} => $_->{secret} } @{$export->{accesses}};
    for (@wanted[$same .. $#wanted]) {
        new_account($_, $secret{$_} // random_secret()) unless $valid{$_};
        order("bind account $_", 'account', 'bind', {tid => $seen->{tid}}, "user=$_");
    }
}

# Those that can be bound again as they are: the guard, and accounts whose seal says that the secret is right.
sub valid_accounts {
    my ($export, @unbound) = @_;
    my %there = map { $_ => 1 } @unbound;
    my @sealed = grep { $there{$_->{seal}} } @{$export->{accesses}};
    return map { $_ => 1 } grep { $there{$_} } $export->{guard}, map { @$_{qw(seal user)} } @sealed;
}

sub new_account {
    my ($user, $secret) = @_;
    ask('account', 'delete', {}, "user=$user");
    order("account $user", 'account', 'new', {}, "user=$user,password=$secret");
}

sub random_secret {
    sysopen my $random, '/dev/urandom', O_RDONLY or die "/dev/urandom: $!\n";
    return unpack 'H*', read_exactly($random, 16);
}

sub authorize {
    my ($export, $seen) = @_;
    my @initiators = wanted_initiators($export);
    for (without($seen->{acls}, @initiators)) {
        order("unbind $_", 'target', 'unbind', {tid => $seen->{tid}}, rule($_));
    }
    for (without(\@initiators, @{$seen->{acls}})) {
        order("bind $_", 'target', 'bind', {tid => $seen->{tid}}, rule($_));
    }
}

# tgtd shows rules of both kinds in one list, and any of them admits. What is no name was made by another hand.
sub rule { return $_[0] =~ /^(?:iqn|eui|naa)\./ ? "initiator-name=$_[0]" : "initiator-address=$_[0]" }

# Taking away a rule leaves the session: it has to be ended by its own number.
sub end_sessions {
    my ($export, $seen) = @_;
    return unless $seen;
    for my $session (unwanted_sessions($export, $seen)) {
        for my $cid (@{$session->{cids}}) {
            my $field = {tid => $seen->{tid}, sid => $session->{sid}, cid => $cid};
            my ($error) = ask('connection', 'delete', $field);
            next if !$error || $error == $NO_SESSION || $error == $NO_CONNECTION;
            die 'end session: tgtd: ', error_text($error), "\n";
        }
    }
}

# Whoever logged in before the rules changed is seen only now. tgtd answers before a session is gone, so it is asked
# until none is left; what is still there after five seconds is for prove() to tell. Returns what was seen last.
sub end_all_unwanted {
    my @exports = @_;
    my $give_up_at = time + 5;
    while (1) {
        my $offered = observe();
        my @left = grep {
            my $seen = $offered->{$PREFIX . $_->{volume}};
            $seen && unwanted_sessions($_, $seen)
        } @exports;
        return $offered if !@left || time > $give_up_at;
        end_sessions($_, $offered->{$PREFIX . $_->{volume}}) for @left;
        sleep 0.02;
    }
}

sub ensure_one {
    my ($export, $offered, $open_files) = @_;
    my $iqn = $PREFIX . $export->{volume};
    my $seen = $offered->{$iqn};
    my @accesses = @{$export->{accesses}};
    if ($seen && (!@accesses || unit_faults($export, $seen, $open_files))) {
        destroy($iqn, $seen);
        delete $offered->{$iqn};
        $seen = undef;
    }
    return unless @accesses;
    $seen //= create($export, $iqn, $offered);
    authenticate($export, $seen);
    authorize($export, $seen);
}

# --- actions

sub require_sources {
    for my $export (grep { @{$_->{accesses}} } @_) {
        my ($path, $wanted) = @$export{qw(source size)};
        refuse('not-on-server', "$path: no such file or block device") unless -f $path || -b _;
        my $size = source_size($path);
        refuse('not-on-server', "$path has $size bytes, not $wanted") if $size < $wanted;
    }
}

# Deleting an account takes it from every target that has it, and leaves the hole that `authenticate` speaks of.
sub require_own_accounts {
    my ($offered, @exports) = @_;
    for my $export (@exports) {
        my %wanted = map { $_ => 1 } wanted_accounts($export);
        for my $iqn (grep { $_ ne $PREFIX . $export->{volume} } sort keys %$offered) {
            my ($shared) = grep { $wanted{$_} } @{$offered->{$iqn}{accounts}} or next;
            refuse('already-on-server', "account $shared belongs to $iqn");
        }
    }
}

sub ensure {
    my @exports = @_;
    require_sources(@exports);
    my $lock = take_lock('tgt');
    my $offered = observe();
    require_own_accounts($offered, @exports);
    my @had_accounts = map { @{($offered->{$PREFIX . $_->{volume}} // {})->{accounts} // []} } @exports;
    my $open_files = observe_open_files();
    ensure_one($_, $offered, $open_files) for @exports;
    $offered = end_all_unwanted(@exports);
    delete_unused_accounts($offered, @had_accounts);
    prove(@exports);
}

sub prove {
    my @exports = @_;
    my ($offered, $open_files) = (observe(), observe_open_files());
    for my $export (@exports) {
        my @faults = faults($export, $offered->{$PREFIX . $export->{volume}}, $open_files);
        die "export of $export->{volume}: ", join('; ', @faults), "\n" if @faults;
    }
}

sub remove {
    my @exports = @_;
    $_->{accesses} = [] for @exports;
    ensure(@exports);
}

sub check {
    my @exports = @_;
    my ($offered, $open_files) = (observe(), observe_open_files());
    check_portal();
    for my $export (@exports) {
        my @faults = faults($export, delete $offered->{$PREFIX . $export->{volume}}, $open_files);
        print "wrong\t$export->{volume}\t", join('; ', @faults), "\n" if @faults;
    }
    print "unknown\t$_\t$offered->{$_}{tid}\n" for grep { index($_, $PREFIX) == 0 } sort keys %$offered;
}

sub check_portal {
    my ($error, $text) = ask('portal', 'show', {});
    my ($port) = $ARGV[1] =~ /:(\d+)$/;
    for (split /\n/, $text) {
        return if /^Portal: \Q$ARGV[1]\E,/ || /^Portal: (?:0\.0\.0\.0|\[::\]):$port,/;
    }
    print "portal\n";
}

sub read_exports {
    my @exports;
    while (defined(my $line = <STDIN>)) {
        chomp $line;
        my ($kind, @value) = split /\t/, $line, -1;
        if ($kind eq 'export') {
            my %export = (accesses => []);
            @export{qw(volume source size serial wwn guard)} = @value;
            push @exports, \%export;
        }
        else {
            my %access;
            @access{qw(initiator user secret seal)} = @value;
            push @{$exports[-1]{accesses}}, \%access;
        }
    }
    return @exports;
}

my %ACTION = (ensure => \&ensure, remove => \&remove, check => \&check);
my @exports = read_exports();
unless (defined tgtd_pid()) {
    print STDERR "tgtd is not running: $SOCKET: $!\n";
    exit 4;
}
$ACTION{$ARGV[0]}->(@exports);
