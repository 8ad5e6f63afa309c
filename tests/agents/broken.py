"""A good agent in lockstep, spoilt: speaks for another agent, and misbehaves in one world of many.

    broken.py HOW SEED COMMAND...

HOW is one of the functions below; it happens in the world whose seed is SEED (or `any`).
"""

import os
import signal
import subprocess
import sys
import time

how, seed, command = sys.argv[1], sys.argv[2], sys.argv[3:]
good = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
tell = os.fdopen(1, "w", buffering=1 << 16)
worlds = 0


def say(text):
    tell.write(text)
    tell.flush()


def answer(line):
    """What the good agent says to a line: its lines, the last of which is `idle`."""
    good.stdin.write(line)
    good.stdin.flush()
    lines = []
    while not lines or not lines[-1].startswith("idle"):
        lines.append(good.stdout.readline())
    return lines


def right(line):
    say("".join(answer(line)))


def endless(line):
    while True:
        say("note and another thing\n" * 1000)


def pours_frames(line):
    while True:
        say("frame 4500\n" * 1000)


def endless_octets(line):
    while True:
        say("x" * 65536)


def long_line(line):
    for _ in range(100):
        say("4" * 1_000_000)
    say("\n")
    right(line)


def half_line(line):
    say("frame 4500")
    sys.exit(0)


def leaves(line):
    sys.exit(0)


def crashes(line):
    raise RuntimeError("the stack met a segment that it did not like")


def segfaults(line):
    os.kill(os.getpid(), signal.SIGSEGV)


def is_killed(line):
    os.kill(os.getpid(), signal.SIGKILL)


def leaves_a_child(line):
    subprocess.Popen(["sleep", "60"])
    os._exit(4)


def silent(line):
    time.sleep(60)


def dribbles(line):
    while True:
        say("x")
        time.sleep(0.01)


def junk(line):
    say("Hello \x1b[1m world\n")
    right(line)


def not_text(line):
    say("")
    os.write(1, b"frame \xff\xfe\x00\n")
    right(line)


def greets_again(line):
    say("agent again can ipv4\n")
    right(line)


def two_idles(line):
    right(line)
    say("idle -\n")


def two_idles_at_once(line):
    say("".join(answer(line)) + "idle -\n")


def late(line):
    say("".join(answer(line)) + "frame 4500\n")


def back_in_time(line):
    if line.split()[1] == "0":
        return right(line)
    say("".join(answer(line)[:-1]) + "idle 0\n")


def never_asked(line):
    say("result 999 ok\n" + "".join(answer(line)))


def answers_twice(line):
    lines = answer(line)
    say("".join([text for text in lines if text.startswith("result")] + lines))


def cannot_work(line):
    say("failed the licence has run out\n")
    right(line)


def knows_less(line):
    say("unknown " + line.strip() + "\nidle -\n")


def storms(line):
    say("idle " + line.split()[1] + "\n")


def floods_stderr(line):
    for _ in range(200):
        sys.stderr.write("warning: something is odd here\n" * 1000)
    right(line)


def remarks(line):
    say("note a frame came\n")
    right(line)


def one_world_only(line):
    right(line)


def passes_over(line):
    say("idle -\n")


def dies_of(line):
    sys.exit(1)


def has_no_timer(line):
    say("".join(answer(line)[:-1]) + "idle -\n")


def leaves_checksums(line):
    spoilt = [text[:-5] + "0000\n" if text.startswith("frame") else text for text in answer(line)]
    say("".join(spoilt))


def draws_elsewhere(line):
    words = line.split()
    right(" ".join(words[:4] + [f"seed={time.time_ns()}"]) + "\n")


def keeps_the_world(line):
    if worlds == 1:
        return right(line)
    say("idle -\n")


def lives_on(line):
    right(line)


def checksum(header):
    total = sum(int.from_bytes(header[at:at + 2], "big") for at in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return (~total & 0xffff).to_bytes(2, "big")


def with_header(packet, place, octets):
    """An IPv4 packet with other octets at a place of its header, under a right checksum of that."""
    header = bytearray(packet[:20])
    header[place:place + len(octets)] = octets
    header[10:12] = bytes(2)
    header[10:12] = checksum(header)
    return bytes(header) + packet[20:]


def frames(line, change):
    """The right answer, with each frame changed."""
    changed = [
        f"frame {change(bytes.fromhex(text.split()[1])).hex() or '-'}\n" if text.startswith("frame") else text
        for text in answer(line)
    ]
    say("".join(changed))


def beside(line, *packets):
    """The right answer, and frames before it."""
    say("".join(f"frame {packet.hex()}\n" for packet in packets) + "".join(answer(line)))


def no_ip_checksum(line):
    frames(line, lambda it: it[:10] + bytes(2) + it[12:])


def version_five(line):
    frames(line, lambda it: with_header(it, 0, b"\x55"))


def short_header(line):
    frames(line, lambda it: with_header(it, 0, b"\x44"))


def length_too_large(line):
    frames(line, lambda it: with_header(it, 2, (len(it) + 1).to_bytes(2, "big")))


def length_too_small(line):
    frames(line, lambda it: it + bytes(8))


def cut_in_the_header(line):
    frames(line, lambda it: it[:12])


def empty(line):
    frames(line, lambda it: b"")


def ethernet(line):
    frames(line, lambda it: bytes.fromhex("020000000001020000000002") + it)


def without_ttl(line):
    frames(line, lambda it: with_header(it, 8, b"\0"))


def wrong_offset(line):
    frames(line, lambda it: it[:32] + b"\xf0" + it[33:])


def spoken_by_another(line):
    beside(line, with_header(bytes.fromhex("4500002800004000400600000000000000000000") + bytes(20), 12, bytes([192, 0, 2, 99, 198, 18, 0, 99])))


def neighbours(line):
    v4 = bytes.fromhex("4500001c00000000400200000000000000000000")
    igmp = with_header(v4 + bytes.fromhex("1600fff9e0000016"), 12, bytes([192, 0, 2, 1, 224, 0, 0, 22]))
    udp = with_header(with_header(igmp, 9, b"\x11"), 16, b"\xff\xff\xff\xff")
    fragment = with_header(with_header(igmp, 9, b"\x06"), 6, b"\x20\x00")
    echo = with_header(with_header(igmp, 9, b"\x01"), 16, b"\xc6\x12\x00\x01")
    v6 = bytes.fromhex("6000000000083aff") + bytes.fromhex("fe80" + 13 * "00" + "01" + "ff02" + 13 * "00" + "02")
    solicitation = v6 + bytes.fromhex("8500000000000000")
    beside(line, igmp, udp, fragment, echo, solicitation, igmp + bytes(18))


def accepted_nowhere(line):
    say("event accepted s77 s2147483650 198.18.0.1:9\n" + "".join(answer(line)))


def accepted_as_nobody(line):
    say("event accepted s1 s99 198.18.0.1:9\n" + "".join(answer(line)))


def negative_time(line):
    say("".join(answer(line)[:-1]) + "idle -5\n")


def time_too_large(line):
    say("".join(answer(line)[:-1]) + "idle 99999999999999999999\n")


def odd_digits(line):
    say("frame 450\n" + "".join(answer(line)))


def connects_again(line):
    words = line.split()
    lines = answer(line)
    say("".join(f"result {words[3]} ok\n" if text.startswith("result " + words[3] + " error") else text for text in lines))


def forgets_listeners(line):
    say("".join(text.replace("state listen", "state closed") for text in answer(line)))


def many_faults(line):
    """At each line: no timer, wrong checksums, `unknown` passed over, badly ended calls that end well."""
    lines = [text for text in answer(line)[:-1] if not text.startswith("unknown")]
    lines = [text[:-5] + "0000\n" if text.startswith("frame") else text for text in lines]
    lines = [" ".join(text.split()[:2]) + " ok\n" if " error " in text else text for text in lines]
    say("".join(lines) + "idle -\n")


# At which lines; where nothing stands here, at the first frame of the world. With a `*`: at each.
WHERE = {
    "answers_twice": "call",
    "passes_over": "dance",
    "dies_of": "dance",
    "storms": "*",
    "back_in_time": "*",
    "has_no_timer": "*",
    "leaves_checksums": "*",
    "draws_elsewhere": "*new",
    "keeps_the_world": "*new",
    "time_too_large": "call",
    "connects_again": "*call",
    "forgets_listeners": "*call",
    "many_faults": "**",
}

where = WHERE.get(how, "frame")
here = False
for line in sys.stdin:
    words = line.split()
    kind = words[2] if words[2:] else ""
    if kind == "new":
        worlds += 1
        here = seed in ("any", words[4].removeprefix("seed="))
        if how == "one_world_only" and worlds > 1:
            say("unsupported once only\nidle -\n")
            continue
    at_each = where == "*" and kind not in ("new", "sync", "dance")
    if here and (where == "**" or at_each or where == "*" + kind or where == kind):
        here = where.startswith("*")
        globals()[how](line)
    else:
        right(line)
if how == "lives_on":
    time.sleep(60)
