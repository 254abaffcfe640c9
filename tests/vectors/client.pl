#!/usr/bin/env perl
# A host in another language: written from firmware/PROTOCOL.md alone, with nothing but Perl.
#
#   perl client.pl PORT [SECONDS]    greets, streams for SECONDS, arms, moves, disarms, stops
#   perl client.pl --frames FILE     holds its frames against frames.json
#
# Prints a line for each step. Exits with an error as soon as the board does what PROTOCOL.md does not allow.
use v5.36;
use Fcntl;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($MAJOR, $MINOR, $PROTO_HASH) = (3, 1, 0x9FC15FDA);
my ($CHANNELS, $RATE_HZ, $PER_FRAME) = (4, 2000, 4);
my ($DISARMED, $ARMED, $HOLD, $ESTOPPED) = (1, 2, 3, 6); # state
my ($STREAMING, $PULSES_ON) = (2, 4);               # status_flag

# Type and payload's length of each message.
my %MESSAGE = (HELLO => [0x01, 8], CONFIG => [0x02, 71], START => [0x03, 4], STOP => [0x04, 0], ARM => [0x05, 9],
    DISARM => [0x06, 0], ESTOP => [0x07, 0], SETPOINT => [0x08, 15], PING => [0x09, 4], READ_LIMITS => [0x0A, 0],
    WRITE_LIMITS => [0x0B, 41], IDENT => [0x81, 27], CONFIG_ACK => [0x82, 7], EMG => [0x84, 6], STATUS => [0x88, 59],
    PONG => [0x89, 12], LIMITS => [0x8A, 43]);
my %TYPE = map { $_ => $MESSAGE{$_}[0] } keys %MESSAGE;
my %BYTES = map { @$_ } values %MESSAGE;
my @STATUS = qw(state reason blockers flags ack_type ack_seq ack_result challenge boot_id config_crc sample_index t_us
    setpoint_seq thumb_cdeg index_cdeg middle_cdeg ring_cdeg little_cdeg supply_mv permission limits_state button
    button_presses crc_errors length_errors unknown_types seq_gaps rx_overruns range_rejects stale_rejects tx_drops
    max_loop_us);

my $port;
my $received = '';
my $frames_sent = 0;
my $next_sample;    # from START on
my %status;         # the newest

# --- Bytes ---

my @CRC = map { my $c = $_; $c = $c & 1 ? 0xEDB88320 ^ $c >> 1 : $c >> 1 for 1 .. 8; $c } 0 .. 255;

sub crc32($bytes) {
    my $crc = 0xFFFFFFFF;
    $crc = $CRC[($crc ^ $_) & 255] ^ $crc >> 8 for unpack 'C*', $bytes;
    return $crc ^ 0xFFFFFFFF;
}

sub frame($type, $seq, $payload) {
    my $frame = pack 'CCa*', $type, $seq, $payload;
    $frame .= pack 'V', crc32($frame);
    return join('', map { chr(1 + length) . $_ } split /\0/, $frame, -1) . "\0";
}

sub decode($bytes) {
    my $frame = '';
    while (length $bytes) {
        my $distance = ord $bytes;
        return '' if $distance > length $bytes;
        $frame .= substr($bytes, 1, $distance - 1) . "\0";
        $bytes = substr $bytes, $distance;
    }
    return substr $frame, 0, -1;
}

# The next good message among the received bytes: type, seq and payload; or nothing.
sub next_message() {
    while ($received =~ s/^([^\0]*)\0//) {
        my $frame = length $1 <= 255 ? decode($1) : '';
        next if length $frame < 6 or crc32($frame) != 0x2144DF1C;
        my ($type, $seq) = unpack 'CC', $frame;
        my $payload = substr $frame, 2, -4;
        next if !exists $BYTES{$type};
        return ($type, $seq, $payload) if length $payload == $BYTES{$type} or $type == $TYPE{EMG};
    }
    return;
}

# --- The line ---

sub now() { clock_gettime(CLOCK_MONOTONIC) }

sub transmit($name, $payload) {
    my $seq = $frames_sent++ % 256;
    syswrite STDIN, frame($TYPE{$name}, $seq, $payload) or die "$port: $!\n";
    return $seq;
}

# The next message: type and payload; nothing at the deadline. Keeps the newest STATUS, and counts samples.
sub receive($deadline) {
    while (1) {
        if (my ($type, $seq, $payload) = next_message()) {
            @status{@STATUS} = unpack 'CCvCCCCvvVVVCv5vCCCCv9', $payload if $type == $TYPE{STATUS};
            take_samples($payload) if $type == $TYPE{EMG} and defined $next_sample;
            return ($type, $payload);
        }
        my $left = $deadline - now();
        vec(my $readable = '', fileno STDIN, 1) = 1;
        return if $left <= 0 or !select $readable, undef, undef, $left;
        sysread STDIN, $received, 4096, length $received or die "$port: closed\n";
    }
}

sub take_samples($payload) {
    my ($index, $n) = unpack 'VC', $payload;
    die "samples lost: expected $next_sample, got $index\n" if $index != $next_sample;
    die "EMG of the wrong length\n" if length $payload != 6 + 2 * $n * $CHANNELS;
    $next_sample += $n;
}

# Sends a request until it is answered; the payload of the answer.
sub request($name, $payload = '', $tries = 3, $answer = 'STATUS') {
    my %mine;
    for (1 .. $tries) {
        $mine{transmit($name, $payload)} = 1;
        my $deadline = now() + 0.05;
        while (my ($type, $got) = receive($deadline)) {
            next if $type != $TYPE{$answer};
            return $got if $answer ne 'STATUS';
            next if $status{ack_type} != $TYPE{$name} or !$mine{$status{ack_seq}};
            die "$name: refused with result $status{ack_result}\n" if $status{ack_result};
            return $got;
        }
    }
    die "$name: no answer\n";
}

sub wait_for($what, $holds) {
    my $deadline = now() + 5;
    until ($holds->()) { receive($deadline) or die "still not: $what\n" }
}

# --- A session ---

# HELLO when the board speaks, and not before: its boot loader may take every byte for its own. Gives IDENT's facts.
sub greet() {
    my ($opened, $nonce) = (now(), $$ % 65536);
    while (now() < $opened + 20) {
        my $heard = receive(now() + 2.5);
        next if $heard and now() < $opened + 0.03;
        syswrite STDIN, "\0";
        transmit('HELLO', pack 'CCvV', $MAJOR, $MINOR, $nonce, $PROTO_HASH);
        my $deadline = now() + ($heard ? 0.05 : 8);
        while (my ($type, $payload) = receive($deadline)) {
            last if $type != $TYPE{IDENT} and !$heard;    # it speaks after all
            my ($major, undef, $echo, $hash, $board, $boot_id, $tick_hz) = unpack 'CCvVx7Cvx5V', $payload;
            next if $type != $TYPE{IDENT} or $echo != $nonce;
            die "the board speaks version $major\n" if $major != $MAJOR;
            die "the board has another proto_hash\n" if $hash != $PROTO_HASH;
            return ($board, $boot_id, $tick_hz);
        }
    }
    die "$port: no board answers\n";
}

# An earlier host's hand opens by itself before the board is taken.
sub take_over() {
    wait_for('a STATUS without pulses', sub { %status and !($status{flags} & $PULSES_ON) });
    request('DISARM');
    request('STOP');
    wait_for('DISARMED', sub { $status{state} == $DISARMED and !($status{flags} & $STREAMING) });
}

sub configure($tick_hz) {
    my $config = pack 'Q<vCCCv25vvvv', (1 << $CHANNELS) - 1, $tick_hz / $RATE_HZ, $PER_FRAME, 1, 1,
        map({ ($_) x 5 } 0, 18000, 4000, 1000, 2000), 20000, 40000, 150, 2000;
    my ($result, $period, $crc) = unpack 'CvV', request('CONFIG', $config, 3, 'CONFIG_ACK');
    die "CONFIG: refused with result $result\n" if $result;
    die "CONFIG_ACK: another config_crc\n" if $crc != crc32($config);
    return $crc;
}

# All fingers go to this angle, with a setpoint every 20 ms. A computer that pauses for 150 ms finds the hand in HOLD, and its next setpoint resumes.
sub move($angle_cdeg, $seconds) {
    my $end = now() + $seconds;
    while (now() < $end) {
        transmit('SETPOINT', pack 'v5CV', ($angle_cdeg) x 5, 13, $next_sample - 1);
        my $next = now() + 0.02;
        1 while receive($next);
        die "the hand let go: state $status{state}, reason $status{reason}\n" if $status{state} != $ARMED and $status{state} != $HOLD;
    }
    wait_for('ARMED', sub { $status{state} == $ARMED });
    die "the thumb is at $status{thumb_cdeg}, not at $angle_cdeg\n" if $status{thumb_cdeg} != $angle_cdeg;
    die "setpoints rejected\n" if $status{range_rejects} or $status{stale_rejects};
}

sub session($seconds) {
    my ($board, $boot_id, $tick_hz) = greet();
    say "greeted board $board";
    take_over();
    my $crc = configure($tick_hz);
    $next_sample = 0;
    request('START', pack 'V', $crc);
    my $end = now() + $seconds;
    1 while receive($end);
    die "only $next_sample samples\n" if $next_sample < 0.9 * $seconds * $RATE_HZ;
    say "streamed for $seconds s without losing a sample";
    wait_for('no blocker', sub { !$status{blockers} });
    request('ARM', pack 'CvVv', 1, $boot_id, $crc, $status{challenge});
    move($_, 1.5) for 9000, 4000;
    say 'moved';
    request('DISARM', '', 100);
    die "not disarmed\n" if $status{state} != $DISARMED or $status{flags} & $PULSES_ON;
    request('STOP');
    request('ESTOP', '', 100);
    die "not stopped\n" if $status{state} != $ESTOPPED;
    say 'stopped until the next reset';
}

sub compare_frames($file) {
    require JSON::PP;
    open my $json, '<:raw', $file or die "$file: $!\n";
    my $vectors = JSON::PP::decode_json(join '', <$json>);
    for my $good ($vectors->{good}->@*) {
        my ($wire, $payload) = map { pack 'H*', $_ } $good->@{qw(wire payload)};
        $received = $wire;
        my ($type, $seq, $got) = next_message();
        die "$good->{name}: not taken\n" if $type != $good->{type} or $seq != $good->{seq} or $got ne $payload;
        die "$good->{name}: encoded differently\n" if frame($type, $seq, $payload) ne $wire;
    }
    for my $bad (grep { $_->{counter} ne 'unknown_types' } $vectors->{bad}->@*) {
        $received = pack 'H*', $bad->{wire};
        die "$bad->{name}: taken\n" if next_message();
    }
    say 'all frames agree';
}

$| = 1;
if ($ARGV[0] eq '--frames') {
    compare_frames($ARGV[1]);
    exit;
}
$port = shift;
sysopen STDIN, $port, O_RDWR | O_NOCTTY or die "$port: $!\n";
system(qw(stty 500000 raw cs8 -parenb -cstopb -crtscts -echo -hupcl)) == 0 or die "$port: stty failed\n";
session(shift // 5);
