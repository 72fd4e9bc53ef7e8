# The exports: ensure, remove or check them, or mount their places at boot, all in one process.
#   exports.pl ensure|remove|check|mount CONFIG PLACES PORT      what is wanted comes from stdin; see volume.pl
# CONFIG is the truth, written before the server is told, so that its restart agrees. Stands behind nfsd.pl.
my $CLOSE_WAIT_SECONDS = 10;
my $UNIT = 'cgctl-nfs-places.service';
my $UNIT_FILE = "/etc/systemd/system/$UNIT";
my $PROGRAM_FILE = '/usr/local/lib/cgctl/nfs_places.pl';

# --- the file

# PLACE => line, ours.
sub read_config {
    return {map { /^(\S+)/ ? ($1 => $_) : () } grep { index($_, "$places/") == 0 } split /\n/, read_text($config)};
}

sub write_config {
    my ($lines) = @_;
    my $text = join '', "# Written by cgctl: do not edit.\n", map { "$lines->{$_}\n" } sort keys %$lines;
    write_file($config, $text) if read_text($config) ne $text;
}

# Appears whole or not at all, and is there after a power loss.
sub write_file {
    my ($path, $text) = @_;
    my ($directory) = $path =~ m{^(.*)/};
    -d $directory or mkdir $directory, 0755 or die "$directory: $!\n";
    sysopen my $file, "$path.new", O_WRONLY | O_CREAT | O_TRUNC, 0644 or die "$path.new: $!\n";
    print {$file} $text;
    $file->flush && $file->sync && close $file && rename "$path.new", $path or die "$path: $!\n";
    sysopen my $entry, $directory, O_RDONLY or die "$directory: $!\n";
    $entry->sync;
}

# --- what is wrong with it

sub faults {
    my ($volume, $offered, $lines, $mounts) = @_;
    my ($place, @clients) = ($volume->{place}, @{$volume->{clients}});
    my $has = $offered->{$place} // {};
    if (!@clients) {
        return %$has || $lines->{$place} || $mounts->{$place} ? 'is offered' : ();
    }
    my @faults = source_faults($volume, $mounts);
    push @faults, "is not in $config" if ($lines->{$place} // '') ne line($volume);
    return @faults, 'is not offered' unless %$has;
    my $seen = join ',', sort keys %$has;
    my $right = join ',', sort @clients;
    push @faults, "is offered to $seen, not to $right" if $seen ne $right;
    push @faults, map { "is offered to $_->[0] without $_->[1]" }
        map { my $client = $_; map { [$client, $_] } lacking($volume, $has->{$client}) } grep { $has->{$_} } @clients;
    return @faults, 'is not mounted at its place' unless $mounts->{$place};
    push @faults, 'serves a directory that has been replaced' if !is_same($volume->{directory}, $place);
    push @faults, 'is open by a client without access, or from before it was replaced'
        if strangers($volume, $mounts->{$place}, @clients);
    return @faults;
}

# --- changes

# Who is not named loses access at once, and then what they have open.
sub withdraw {
    my ($mounts, $offered, @wanted) = @_;
    my @gone;
    for my $volume (@wanted) {
        my $place = $volume->{place};
        my $is_replaced = $mounts->{$place} && @{$volume->{clients}} && !is_same($volume->{directory}, $place);
        $volume->{kept} = $is_replaced ? [] : $volume->{clients};
        my %kept = map { $_ => 1 } @{$volume->{kept}};
        push @gone, map { whom($_, $place) } grep { !$kept{$_} } sort keys %{$offered->{$place}};
    }
    my ($status, $answer) = @gone ? run('exportfs', '-u', @gone) : (0);
    die "exportfs: $answer\n" if $status;
    for my $volume (@wanted) {
        expire($_) for strangers($volume, $mounts->{$volume->{place}}, @{$volume->{kept}});
        release($volume->{place}) unless @{$volume->{kept}};
    }
}

# An address as exportfs wants it.
sub whom {
    my ($client, $place) = @_;
    return $client =~ /:/ ? "[$client]:$place" : "$client:$place";
}

# It can be unmounted when nobody has anything of it open or under way.
sub release {
    my ($place) = @_;
    my $until = time + $CLOSE_WAIT_SECONDS;
    while (observe_mounts()->{$place}) {
        my ($status, $answer) = run('umount', $place);
        next unless $status;
        die "the NFS server keeps $place busy: $answer\n" if time > $until;
        run('exportfs', '-f');    # a client that asks again has the kernel remember, at that mount, that it may not
    }
    rmdir $place;
}

# Every place of the configuration that is not mounted. Never the empty directory below a file system that is missing.
sub mount_places {
    my ($mounts, $lines, $is_news) = (observe_mounts(), read_config());
    for my $place (grep { !$mounts->{$_} } sort keys %$lines) {
        my ($directory) = $lines->{$place} =~ / # (\/.*)$/ or next;
        next unless -f "$directory/disk" || $mounts->{$directory};
        mkdir $_ for $STATE_DIRECTORY, $places, $place;
        my ($status, $answer) = run('mount', '--bind', $directory, $place);
        die "$answer\n" if $status;
        $is_news = 1;
    }
    run('exportfs', '-f') if $is_news;    # the kernel may remember that the place was not to be had
}

# What the server refuses is taken back: the lines of that volume and of those behind it are again what they were.
sub offer {
    my ($before, @wanted) = @_;
    my $offered = observe_offered();
    while (my $volume = shift @wanted) {
        my $has = $offered->{$volume->{place}} // {};
        my @clients = grep { !$has->{$_} || lacking($volume, $has->{$_}) } @{$volume->{clients}} or next;
        my @whom = map { whom($_, $volume->{place}) } @clients;
        my ($status, $answer) = run('exportfs', '-i', '-o', join(',', options($volume)), @whom);
        next unless $status;
        run('exportfs', '-u', map { whom($_, $volume->{place}) } grep { !$has->{$_} } @clients);
        take_back($before, $volume, @wanted);
        die "export of $volume->{id}: $answer\n";
    }
}

sub take_back {
    my ($before, @volumes) = @_;
    my $lines = read_config();
    for my $place (map { $_->{place} } @volumes) {
        delete $lines->{$place};
        $lines->{$place} = $before->{$place} if $before->{$place};
        run('umount', $place) unless $before->{$place};
    }
    write_config($lines);
}

# --- after a reboot

# Without systemd something else has to run this; `mountpoint` keeps what is not mounted from being offered.
sub install_unit {
    return if !-d '/run/systemd/system' || !%{read_config()} || is_installed();
    write_file($PROGRAM_FILE, $ENV{CGCTL_PROGRAM});
    write_file($UNIT_FILE, unit_text());
    for my $arguments (['daemon-reload'], ['--quiet', 'enable', $UNIT]) {
        my ($status, $answer) = run('systemctl', @$arguments);
        die "systemctl @$arguments: $answer\n" if $status;
    }
}

sub is_installed {
    return read_text($UNIT_FILE) eq unit_text() && read_text($PROGRAM_FILE) eq $ENV{CGCTL_PROGRAM} && is_enabled($UNIT);
}

sub is_enabled {
    my ($status) = run('systemctl', '--quiet', 'is-enabled', $_[0]);
    return !$status;
}

sub unit_text {
    return <<"UNIT";
[Unit]
Description=Volumes of cgctl at the places where NFS offers them
After=local-fs.target cgctl-lvm-gates.service
Before=nfs-server.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/perl $PROGRAM_FILE mount $config $places $port

[Install]
WantedBy=nfs-server.service
UNIT
}

# --- actions

sub ensure {
    my @wanted = read_wanted();
    my @offered = grep { @{$_->{clients}} } @wanted;
    require_source($_, observe_mounts()) for @offered;
    my $lock = take_lock('nfs');
    require_server() if @offered;    # what is taken away must not come back when it is started
    prepare_image($_) for grep { $_->{is_image} } @offered;
    my ($before, $lines) = (read_config(), read_config());
    delete $lines->{$_->{place}} for @wanted;
    $lines->{$_->{place}} = line($_) for @offered;
    write_config($lines);
    withdraw(observe_mounts(), observe_offered(), @wanted);
    mount_places();
    offer($before, @offered);
    install_unit();
    prove(@wanted);
}

sub prove {
    my ($offered, $lines, $mounts) = (observe_offered(), read_config(), observe_mounts());
    for my $volume (@_) {
        my @faults = faults($volume, $offered, $lines, $mounts);
        die "export of $volume->{id}: ", join('; ', @faults), "\n" if @faults;
    }
}

sub check {
    my @wanted = read_wanted();
    my $lock = take_lock('nfs');
    require_server();
    my ($offered, $lines, $mounts) = (observe_offered(), read_config(), observe_mounts());
    print "portal\t$port\n" unless read_text("$NFSD/portlist") =~ /^tcp $port$/m;
    check_boot($lines);
    for my $volume (@wanted) {
        my @faults = faults($volume, $offered, $lines, $mounts);
        print "wrong\t$volume->{id}\t", join('; ', @faults), "\n" if @faults;
        delete $offered->{$volume->{place}};
    }
    print "unknown\t$_\n" for sort keys %$offered;
}

sub check_boot {
    my ($lines) = @_;
    return if !-d '/run/systemd/system' || !%$lines;
    for my $unit (grep { !is_enabled($_) } 'nfs-server.service', $UNIT) {
        print "boot\t$unit\n";
    }
}

my %ACTION = (ensure => \&ensure, remove => \&ensure, check => \&check, mount => \&mount_places);
$ACTION{$action}->();
