"""The example of an agent in real time, spoilt: misbehaves whenever it is to send urgent data.

    spoilt.py HOW AGENT
"""

import os
import sys
import time

how, agent = sys.argv[1:]


def endless():
    while True:
        os.write(1, b"note and another thing\n" * 1000)


def long_line():
    for _ in range(100):
        os.write(1, b"4" * 1_000_000)
    os.write(1, b"\n")


def half_line():
    os.write(1, b"result 1 o")
    os._exit(0)


def crashes():
    os.write(2, b"the stack met a call that it did not like\n")
    os._exit(1)


def silent():
    time.sleep(600)


def before(line):
    if line.split()[-1:] == ["urgent"]:
        globals()[how]()


with open(agent) as file:
    text = file.read()
begin = "def obey(line):\n"
assert text.count(begin) == 1
exec(compile(text.replace(begin, begin + "    before(line)\n"), agent, "exec"))
