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
    if here and (at_each or where == "*" + kind or where == kind):
        here = where.startswith("*")
        globals()[how](line)
    else:
        right(line)
if how == "lives_on":
    time.sleep(60)
